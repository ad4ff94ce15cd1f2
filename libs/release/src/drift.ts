import { evaluateExpression } from '@sluice/expr';
import type { Json, JsonObject, KubeObject } from '@sluice/model';
import type { SpecReader } from './spec-reader.ts';

/** Objects that a rule means; an absent field means any. The patterns must match the whole text. */
export type ObjectTarget = {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly annotationSelector?: string;
};

/** `spec.driftDetection`: what to do about changes that others made, and which to let be. */
export type DriftPlan = {
  readonly mode: 'disabled' | 'warn' | 'enabled';
  readonly ignore: readonly { readonly paths: readonly string[]; readonly target?: ObjectTarget }[];
};

/** One change that would bring an object back, as an operation of a JSON patch. */
export type DriftOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string };

/** True when a label selector's text matches. The grammar is Kubernetes', so the caller has the parser. */
export type SelectorMatch = (selector: string, labels: Readonly<Record<string, string>>) => boolean;

/** Key of a label or annotation that takes an object out of drift detection with the value `disabled`. */
export const driftDetectionKey = 'helm.toolkit.fluxcd.io/driftDetection';

const targetFields = ['group', 'version', 'kind', 'name', 'namespace'] as const;

/** Read `spec.driftDetection`. */
export function readDrift(reader: SpecReader): DriftPlan {
  const mode = reader.choice('mode', ['disabled', 'warn', 'enabled']) ?? 'disabled';
  const ignore = reader.list('ignore').map((rule) => {
    const paths = rule.texts('paths');
    if (paths.some((path) => path !== '' && !path.startsWith('/')))
      rule.refuse('paths', 'must be JSON pointers', 'for example /spec/replicas');
    const target = rule.has('target') ? readTarget(rule.object('target')) : undefined;
    rule.close();
    return { paths, ...(target ? { target } : {}) };
  });
  reader.close();
  return { mode, ignore };
}

/** Read a target; patterns that cannot be compiled are refused. */
export function readTarget(reader: SpecReader): ObjectTarget {
  const target: Record<string, string> = {};
  for (const field of targetFields) {
    const pattern = reader.text(field);
    if (!pattern) continue;
    if (matchWhole(pattern, '') === undefined)
      reader.refuse(field, `"${pattern.slice(0, 100)}" is not a regular expression`);
    else target[field] = pattern;
  }
  for (const field of ['labelSelector', 'annotationSelector'] as const) {
    const selector = reader.text(field);
    if (selector) target[field] = selector;
  }
  reader.close();
  return target;
}

/** Whether the pattern matches the whole text, in time linear to it (RE2); undefined for what is no pattern. */
function matchWhole(pattern: string, text: string): boolean | undefined {
  const result = evaluateExpression(
    'text matches pattern',
    new Map([
      ['text', text],
      ['pattern', `^(?:${pattern})$`],
    ]),
  );
  return result.ok ? result.value === true : undefined;
}

/** True when the rule means this object. */
export function isTarget(target: ObjectTarget | undefined, object: KubeObject, matches: SelectorMatch): boolean {
  if (!target) return true;
  const { apiVersion, kind, metadata } = object;
  const slash = apiVersion.lastIndexOf('/');
  const facts = {
    group: slash < 0 ? '' : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind,
    name: metadata.name,
    namespace: metadata.namespace ?? '',
  };
  for (const field of targetFields) {
    const pattern = target[field];
    if (pattern !== undefined && !matchWhole(pattern, facts[field])) return false;
  }
  if (target.labelSelector && !matches(target.labelSelector, metadata.labels ?? {})) return false;
  return !target.annotationSelector || matches(target.annotationSelector, metadata.annotations ?? {});
}

/** True for an object that its labels or annotations take out of drift detection. */
export function isDriftIgnored({ metadata }: KubeObject): boolean {
  const { labels, annotations } = metadata;
  return [labels, annotations].some((given) => given?.[driftDetectionKey] === 'disabled');
}

/**
 * What would have to change in the live object for it to be as wanted, where `wanted` is the answer of the server to a dry run of
 * applying the release's manifest. Server-side bookkeeping, status and ignored paths do not count.
 */
export function detectDrift(
  live: KubeObject,
  wanted: KubeObject,
  { ignore }: Pick<DriftPlan, 'ignore'>,
  matches: SelectorMatch,
): readonly DriftOperation[] {
  const [before, after] = [comparable(live), comparable(wanted)];
  const paths = ignore.filter(({ target }) => isTarget(target, live, matches)).flatMap((rule) => rule.paths);
  const settled = paths.reduce<Json>((value, path) => overlay(value, before, pointerOf(path)), after);
  const operations: DriftOperation[] = [];
  collect(before, settled, '', operations);
  return operations;
}

function comparable(object: KubeObject): JsonObject {
  const {
    metadata,
    status: _status,
    ...rest
  } = object as unknown as { metadata: JsonObject; status?: Json } & JsonObject;
  const kept = ['labels', 'annotations', 'finalizers', 'ownerReferences'].filter((key) => metadata[key] !== undefined);
  return { ...rest, metadata: Object.fromEntries(kept.map((key) => [key, metadata[key] ?? null])) };
}

function pointerOf(path: string): readonly string[] {
  return path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** `value` with what `from` has at the path, be it nothing; so a difference there is none. */
function overlay(value: Json, from: Json | undefined, path: readonly string[]): Json {
  const [step, ...rest] = path;
  if (step === undefined) return from ?? value;
  if (Array.isArray(value)) {
    const index = Number(step);
    if (!Array.isArray(from) || !(index in value) || !(index in from)) return value;
    return value.map((item: Json, at) => (at === index ? overlay(item, from[index] as Json, rest) : item));
  }
  if (!isMapping(value)) return value;
  const there = isMapping(from) ? from : {};
  const { [step]: mine, ...others } = value;
  if (rest.length === 0) return there[step] === undefined ? others : { ...value, [step]: there[step] };
  if (mine === undefined) return value;
  return { ...value, [step]: overlay(mine, there[step], rest) };
}

function collect(before: Json | undefined, after: Json | undefined, path: string, found: DriftOperation[]): void {
  if (isMapping(before) && isMapping(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      collect(before[key], after[key], `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, found);
    return;
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    after.forEach((item: Json, index) => collect(before[index] as Json, item, `${path}/${index}`, found));
    return;
  }
  if (before === after || JSON.stringify(before) === JSON.stringify(after)) return;
  if (after === undefined) found.push({ op: 'remove', path });
  else found.push({ op: before === undefined ? 'add' : 'replace', path, value: after });
}

function isMapping(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What one object lacks or has otherwise: `missing`, or the operations that would mend it. */
export type ObjectDrift = {
  readonly object: KubeObject;
  readonly missing: boolean;
  readonly operations: readonly DriftOperation[];
};

const shownObjects = 10;
const shownPaths = 5;

/** The drift in words: objects and paths, never values. */
export function describeDrift(drift: readonly ObjectDrift[]): string {
  const lines = drift.slice(0, shownObjects).map(({ object, missing, operations }) => {
    const name = [object.kind, object.metadata.namespace, object.metadata.name].filter(Boolean).join('/');
    if (missing) return `${name} is missing`;
    const paths = operations.slice(0, shownPaths).map(({ op, path }) => `${op} ${path}`);
    const more = operations.length > shownPaths ? ` and ${operations.length - shownPaths} more` : '';
    return `${name} differs: ${paths.join(', ')}${more}`;
  });
  const rest = drift.length > shownObjects ? [`and ${drift.length - shownObjects} more objects`] : [];
  return [...lines, ...rest].join('\n');
}
