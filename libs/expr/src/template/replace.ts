import type { Environment } from '../lang/evaluate.ts';
import { checkSource, evaluateExpression } from '../program.ts';
import { jsonString, toJsonText, type Value } from '../value.ts';
import { freeNames } from './names.ts';
import { splitTemplate, UnclosedTag } from './tags.ts';

/** What tags may refer to. `lookUp` gives null for an output that is absent, undefined for a name that is unknown. */
export type TemplateVariables = {
  lookUp(name: string): string | null | undefined;
  /** True for a name that stands for something else than text, so that no tag can show it. */
  isOther?(name: string): boolean;
  /** The same variables for expressions; built only when there is one. */
  environment(): Environment;
};

export type ReplaceOptions = {
  /** Keep tags that cannot be resolved (yet) instead of failing. */
  readonly keepUnresolved: boolean;
  /** With `keepUnresolved`: names under these first words must resolve all the same. */
  readonly strictPrefixes?: readonly string[];
};

/** The text, or why not. `missing`: a variable is not there yet, so that trying again later may help. */
export type Replacement =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string; readonly missing: boolean };

const placeholder = '__argo__internal__placeholder';

class Refusal extends Error {
  readonly missing: boolean;
  constructor(message: string, missing: boolean) {
    super(message);
    this.missing = missing;
  }
}

/**
 * Replace the tags `{{name}}` and `{{=expression}}` in JSON text; values are escaped for JSON. Tags that are kept stay
 * as they were.
 */
export function replaceTags(template: string, variables: TemplateVariables, options: ReplaceOptions): Replacement {
  if (!template.includes('{{')) return { ok: true, text: template };
  if (!isJson(template)) return invalid('cannot do template replacements with invalid JSON');
  try {
    let text = '';
    for (const piece of splitTemplate(template)) {
      if (piece.kind === 'text') text += piece.text;
      else if (piece.text.startsWith('=')) text += replaceExpression(piece.text, variables, options);
      else text += replaceSimple(piece.text, variables, options);
    }
    // The template is JSON, so its tags stand inside strings: only an escape that JSON lacks can spoil the result.
    return !mayBeSpoilt(text) || isJson(text)
      ? { ok: true, text }
      : invalid('cannot finish template replacement because the result was invalid JSON');
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, message: error.message, missing: error.missing };
    if (error instanceof UnclosedTag) return { ok: false, message: error.message, missing: false };
    throw error;
  }
}

function invalid(message: string): Replacement {
  return { ok: false, message, missing: false };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function mayBeSpoilt(text: string): boolean {
  return /\\[avxU]/.test(text);
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** Text as Go quotes it, as upstream does: what JSON has no word for makes the result invalid, and is told as that. */
function escaped(text: string): string {
  return text.replace(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (char) => {
    const known = escapes[char];
    if (known !== undefined) return known;
    const code = (char.codePointAt(0) ?? 0).toString(16);
    if (code.length <= 2 && char < '\u0080') return `\\x${code.padStart(2, '0')}`;
    return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`;
  });
}

function replaceSimple(tag: string, variables: TemplateVariables, options: ReplaceOptions): string {
  const name = tag.trim();
  const value = variables.lookUp(name);
  if (typeof value === 'string') return escaped(value);
  if (value === null)
    throw new Refusal(
      `unable to substitute {{${name}}}: output is an absent optional (skipped/omitted node with no default)`,
      false,
    );
  if (variables.isOther?.(name)) throw new Refusal(`failed to resolve {{${name}}} to string`, true);
  const nested = tag.lastIndexOf('{{');
  if (nested > 0) {
    const inner = variables.lookUp(tag.slice(nested + 2).trim());
    if (typeof inner === 'string') return `{{${tag.slice(0, nested)}${escaped(inner)}`;
  }
  const artifact = /\.outputs\.artifacts\./.test(name);
  const strict =
    !artifact && options.strictPrefixes?.some((prefix) => name === prefix || name.startsWith(`${prefix}.`));
  if (options.keepUnresolved && !strict) return `{{${tag}}}`;
  throw new Refusal(`failed to resolve {{${name}}}`, true);
}

function replaceExpression(tag: string, variables: TemplateVariables, options: ReplaceOptions): string {
  const kept = `{{${tag}}}`;
  const source = unescapeJson(tag.slice(1));
  const problem = source === undefined ? 'failed to unmarshall JSON expression' : checkSource(source);
  if (source === undefined || problem !== undefined)
    throw new Refusal(`failed to evaluate expression: ${problem}`, false);
  const environment = variables.environment();
  const names = freeNames(source, !options.keepUnresolved);
  const missing = names.find((path) => isMissing(environment, path));
  const strict = names.some(([first = '']) => options.strictPrefixes?.includes(first));
  if (missing && (!options.keepUnresolved || strict))
    throw new Refusal(`failed to evaluate expression: ${missing.join('.')} is missing`, true);
  if (missing || names.some((path) => holdsPlaceholder(environment, path))) return kept;
  const mayStay = options.keepUnresolved && !options.strictPrefixes?.length;
  const result = evaluateExpression(source, environment);
  if (!result.ok || result.value === null) {
    if (mayStay) return kept;
    throw new Refusal(
      result.ok ? `failed to evaluate expression "${source}"` : `failed to evaluate expression: ${result.message}`,
      false,
    );
  }
  if (mayStay && typeof result.value === 'function') return kept;
  return jsonString(shown(result.value)).slice(1, -1);
}

/** The expression as it was before it became part of a JSON string. */
function unescapeJson(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(`"${text.replace(/\n/g, '\\n').replace(/\t/g, '\\t')}"`);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** How the value of an expression stands in a text. Throws for a function. */
function shown(value: Value): string {
  if (typeof value === 'string') return value;
  try {
    const text = toJsonText(value, false);
    return text.startsWith('"') ? String(JSON.parse(text)) : text;
  } catch (error) {
    throw new Refusal(
      `failed to marshal evaluated expression: ${error instanceof Error ? error.message : String(error)}`,
      false,
    );
  }
}

/** A name that is not there. A path that may be cut short (`?.`, `??`) is only looked up as far as it must be there. */
function isMissing(environment: Environment, path: readonly string[]): boolean {
  return valueAt(environment, path) === undefined && valueAt(environment, path.join('.').split('.')) === undefined;
}

function valueAt(environment: Environment, [first = '', ...rest]: readonly string[]): Value | undefined {
  let value = environment.get(first);
  for (const part of rest) value = value instanceof Map ? (value.get(part) as Value | undefined) : undefined;
  return value;
}

function holdsPlaceholder(environment: Environment, path: readonly string[]): boolean {
  const value = valueAt(environment, path);
  return typeof value === 'string' && value.startsWith(placeholder);
}
