import { parseGlob } from '@sluice/model';
import type { TextRule } from './shape.ts';

function pattern(expression: RegExp, what: string, fix: string): TextRule {
  return { code: 'BadName', check: (text) => (expression.test(text) ? undefined : `is not ${what}`), fix };
}

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** A name that becomes part of object names and labels: at most `max` characters. */
export function nameRule(what: string, max: number, reserved: readonly string[] = []): TextRule {
  return {
    code: 'BadName',
    check: (text) => {
      if (reserved.includes(text)) return 'is taken: every run has a task or template of that name';
      if (text.length > max) return `is longer than the ${max} characters that ${what} may have`;
      return label.test(text) ? undefined : `is not ${what}`;
    },
    fix: 'use lower-case letters, digits and "-", beginning and ending with a letter or digit',
  };
}

/** The repository part of an image reference. */
export const imageName = pattern(
  /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/,
  'the name of an image',
  'use lower-case letters and digits with single ".", "_" or "-" between them',
);

/** An image reference as kubelets take it; only what can never be one is refused. */
export const imageReference: TextRule = {
  code: 'BadImage',
  check: (text) => (/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/.test(text) ? undefined : 'is not an image reference'),
  fix: 'write it like node:24 or registry.example.org/team/tool@sha256:…',
};

/** A glob, with `!` before it to take out instead of in. */
export const globRule: TextRule = {
  code: 'BadGlob',
  check: (text) => {
    const glob = parseGlob(text.startsWith('!') ? text.slice(1) : text);
    return glob.ok ? undefined : `is not a pattern: ${glob.message}`;
  },
};

/** A path inside the workspace. */
export const workspacePath: TextRule = {
  code: 'BadPath',
  check: (text) => {
    if (text.startsWith('/')) return 'is an absolute path';
    if (text.split('/').includes('..')) return 'leads out of the repository';
    return text === '' || text.includes('\0') ? 'is not a path' : notTag(text);
  },
  fix: 'write a path inside the repository, such as chart or src/server.mjs',
};

/** A path in an image. */
export const absolutePath: TextRule = {
  code: 'BadPath',
  check: (text) => (text.startsWith('/') && !text.split('/').includes('..') ? notTag(text) : 'is not an absolute path'),
  fix: 'write it like /app',
};

/** The name of an environment variable that a pipeline may set. */
export const envName: TextRule = {
  code: 'BadEnvName',
  check: (text) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return 'is not the name of an environment variable';
    return text === 'CI' || text.startsWith('SLUICE_') ? 'is set by Sluice itself' : undefined;
  },
  fix: 'use letters, digits and "_"; CI and names that begin with SLUICE_ are taken',
};

/** A value of a Secret. */
export const secretKey: TextRule = {
  code: 'BadSecret',
  check: (text) =>
    /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/[-._a-zA-Z0-9]{1,253}$/.test(text) ? undefined : 'is not SECRET/KEY',
  fix: 'write the name of the Secret and the key in it, like npm/token',
};

/** Text that goes into the Workflow where `{{…}}` would be read as a template tag. */
export const plainText: TextRule = {
  code: 'TemplateTag',
  check: notTag,
  fix: 'only the script in run: may hold it; build the value there',
};

function notTag(text: string): string | undefined {
  return text.includes('{{') ? 'holds "{{", which would be read as a template tag of the Workflow' : undefined;
}

/** Takes every key. */
export const anyKey: TextRule = { code: 'BadKey', check: () => undefined };
