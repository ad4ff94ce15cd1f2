import { parseGlob, type Json, type JsonObject, type KubeObject, type Problem } from '@sluice/model';
import { isAlias, visit } from 'yaml';
import type { ArgoPipeline, PullRequestTrigger, PushTrigger } from './pipeline.ts';
import { limits, type FileProblems, type YamlDocument } from './source-text.ts';
import { nameRule } from './text-rule.ts';
import { offsetOf } from './yaml-place.ts';

/** Kinds of Argo that may stand in `.sluice/`; a template is run as the Workflow that it describes. */
export const argoKinds: readonly string[] = ['Workflow', 'WorkflowTemplate'];

/** Judges an Argo manifest: validateManifest of libs/workflow, which this lib may not import. */
export type CheckManifest = (manifest: KubeObject) => readonly Problem[];

/** Annotations that say what starts a Workflow file: lists of globs with commas between them. */
export const triggerAnnotations = Object.freeze({
  push: 'sluice.dev/on-push',
  tag: 'sluice.dev/on-tag',
  pullRequest: 'sluice.dev/on-pull-request',
  paths: 'sluice.dev/on-paths',
});

const name = nameRule('the name of a pipeline', 40);

/** Read a Workflow or WorkflowTemplate with trigger annotations. Undefined when something is wrong with it. */
export function readArgoFile(
  document: YamlDocument,
  file: string,
  problems: FileProblems,
  check: CheckManifest | undefined,
): { readonly pipeline: ArgoPipeline; readonly nameOffset: number } | undefined {
  const before = problems.problems.length;
  const at = (path: string): number => offsetOf(document, path);
  refuseLarge(document, problems);
  if (problems.problems.length > before) return undefined;
  const manifest = document.toJS({ maxAliasCount: limits.aliases }) as KubeObject<JsonObject>;
  for (const { path = '', severity, code, message, fix } of check?.(manifest) ?? []) {
    problems.add(at(path), { code, path, message, ...(fix ? { fix } : {}) }, severity);
  }
  const given = manifest.metadata?.name ?? (manifest.metadata as { generateName?: string } | undefined)?.generateName;
  const called = typeof given === 'string' ? given.replace(/-+$/, '') : '';
  const wrong = name.check(called);
  if (wrong !== undefined) {
    problems.add(at('metadata.name'), {
      code: 'BadName',
      path: 'metadata.name',
      message: called === '' ? 'the file has no name' : `${JSON.stringify(called.slice(0, 60))} ${wrong}`,
      ...(name.fix ? { fix: name.fix } : {}),
    });
  }
  const on = readTriggers(manifest, at, problems);
  if (problems.problems.slice(before).some(({ severity }) => severity === 'error')) return undefined;
  const { line } = problems.place(document.contents?.range[0] ?? 0);
  const pipeline: ArgoPipeline = { kind: 'argo', name: called, file, line, on, deploy: [], spec: manifest.spec ?? {} };
  return { pipeline, nameOffset: at('metadata.name') };
}

type Triggers = { readonly push?: PushTrigger; readonly pullRequest?: PullRequestTrigger };

function readTriggers(manifest: KubeObject, at: (path: string) => number, problems: FileProblems): Triggers {
  const annotations: Readonly<Record<string, Json>> = manifest.metadata?.annotations ?? {};
  const offset = at('metadata.annotations');
  const globs = (key: string): readonly string[] | undefined => {
    const text = annotations[key];
    if (text === undefined) return undefined;
    const list = String(text as string)
      .split(',', 100)
      .map((part) => part.trim())
      .filter(Boolean);
    for (const glob of list) {
      const parsed = parseGlob(glob.startsWith('!') ? glob.slice(1) : glob);
      if (!parsed.ok) {
        const message = `${JSON.stringify(glob.slice(0, 60))} is not a pattern: ${parsed.message}`;
        problems.add(offset, { code: 'BadGlob', path: `metadata.annotations.${key}`, message });
      }
    }
    return list;
  };
  const [branches, tags] = [globs(triggerAnnotations.push), globs(triggerAnnotations.tag)];
  const [into, paths] = [globs(triggerAnnotations.pullRequest), globs(triggerAnnotations.paths)];
  if (!branches && !tags && !into) {
    const fix = `add the annotation ${triggerAnnotations.push}: main, or ${triggerAnnotations.pullRequest}: main`;
    problems.add(offset, {
      code: 'NoTrigger',
      path: 'metadata.annotations',
      message: 'no event starts this file',
      fix,
    });
  }
  const filter = paths ? { paths } : {};
  const push = { ...(branches ? { branches } : {}), ...(tags ? { tags } : {}), ...filter };
  return {
    ...(branches || tags ? { push } : {}),
    ...(into ? { pullRequest: { branches: into, ...filter } } : {}),
  };
}

/** Values without end cost time and memory before anybody looks at them. */
function refuseLarge(document: YamlDocument, problems: FileProblems): void {
  let nodes = 0;
  let aliases = 0;
  visit(document, {
    Node(_key, node) {
      nodes++;
      if (isAlias(node)) aliases++;
      return nodes > limits.nodes || aliases > limits.aliases ? visit.BREAK : undefined;
    },
  });
  const start = document.contents?.range[0] ?? 0;
  if (nodes > limits.nodes) {
    problems.add(start, { code: 'TooLarge', message: `the document has more than ${limits.nodes} values` });
  } else if (aliases > limits.aliases) {
    problems.add(start, { code: 'TooManyAliases', message: `the document has more than ${limits.aliases} aliases` });
  }
}
