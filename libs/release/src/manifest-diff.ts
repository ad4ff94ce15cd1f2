import type { Json, JsonObject, KubeObject } from '@sluice/model';

/** One change between two manifests. Values of Secrets are masked already. */
export type ManifestChange = {
  readonly kind: 'added' | 'removed' | 'changed';
  /** `Kind/namespace/name` */
  readonly object: string;
  /** What changed in it; empty for whole objects. */
  readonly fields: readonly { readonly path: string; readonly before?: string; readonly after?: string }[];
};

const maxValue = 80;
const maxFieldsAnObject = 50;
const secret = '***';

/** What differs between two manifests, object by object. Order and formatting do not count. */
export function diffManifests(before: readonly KubeObject[], after: readonly KubeObject[]): readonly ManifestChange[] {
  const [old, now] = [byName(before), byName(after)];
  const changes: ManifestChange[] = [];
  for (const [name, object] of now) {
    const known = old.get(name);
    if (!known) changes.push({ kind: 'added', object: name, fields: [] });
    else {
      const fields = fieldsOf(known, object);
      if (fields.length > 0) changes.push({ kind: 'changed', object: name, fields });
    }
  }
  for (const name of old.keys()) if (!now.has(name)) changes.push({ kind: 'removed', object: name, fields: [] });
  return changes;
}

function byName(objects: readonly KubeObject[]): ReadonlyMap<string, KubeObject> {
  return new Map(
    objects.map((object) => {
      const { kind, metadata } = object;
      return [[kind, metadata.namespace, metadata.name].filter(Boolean).join('/'), object];
    }),
  );
}

type Field = ManifestChange['fields'][number];

function fieldsOf(before: KubeObject, after: KubeObject): readonly Field[] {
  const fields: Field[] = [];
  const masked = (path: string): boolean => after.kind === 'Secret' && /^(?:data|stringData)(?:\.|$)/.test(path);
  const visit = (old: Json | undefined, now: Json | undefined, path: string): void => {
    if (fields.length >= maxFieldsAnObject || old === now) return;
    if (isMapping(old) && isMapping(now)) {
      for (const key of new Set([...Object.keys(old), ...Object.keys(now)]))
        visit(old[key], now[key], path ? `${path}.${key}` : key);
      return;
    }
    if (Array.isArray(old) && Array.isArray(now)) {
      const length = Math.max(old.length, now.length);
      for (let index = 0; index < length; index++) visit(old[index] as Json, now[index] as Json, `${path}[${index}]`);
      return;
    }
    if (JSON.stringify(old) === JSON.stringify(now)) return;
    const show = (value: Json | undefined): string => (masked(path) ? secret : shortened(value));
    fields.push({
      path,
      ...(old === undefined ? {} : { before: show(old) }),
      ...(now === undefined ? {} : { after: show(now) }),
    });
  };
  visit(before as unknown as Json, after as unknown as Json, '');
  return fields;
}

function shortened(value: Json | undefined): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > maxValue ? `${text.slice(0, maxValue - 1)}…` : text;
}

function isMapping(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The changes in lines for people, at most `maxChars` long. */
export function formatChanges(changes: readonly ManifestChange[], maxChars: number): string {
  if (changes.length === 0) return 'no object changes';
  const lines = changes.flatMap(({ kind, object, fields }) =>
    kind === 'changed'
      ? fields.map((field) => `~ ${object} ${formatField(field)}`)
      : [`${kind === 'added' ? '+' : '-'} ${object}`],
  );
  const shown: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    const rest = lines.length - shown.length;
    if (length > maxChars - 30) return [...shown, `… and ${rest} more changes`].join('\n');
    shown.push(line);
  }
  return shown.join('\n');
}

function formatField({ path, before, after }: Field): string {
  if (before === undefined) return `${path}: + ${after ?? ''}`;
  return after === undefined ? `${path}: removed (was ${before})` : `${path}: ${before} → ${after}`;
}
