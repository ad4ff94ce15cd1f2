/** A stored object, as far as the check looks. */
export type Stored = {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data?: Readonly<Record<string, string>>;
};

type Line = { readonly verb: string; readonly name: string; readonly version: number };

/** What the writers were promised before the kill. The last line may be cut off. */
export function parsePromises(text: string): readonly Line[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [verb = '', name = '', version = '0'] = line.split(' ');
      return { verb, name, version: Number(version) };
    });
}

/** Every promise that the objects found after the restart do not keep, in words. */
export function brokenPromises(
  lines: readonly Line[],
  found: readonly Stored[],
  listVersion: number,
): readonly string[] {
  const objects = new Map(found.map((object) => [object.metadata.name, object]));
  const maybeGone = new Set(lines.filter(({ verb }) => verb === 'deleting').map(({ name }) => name));
  const problems: string[] = [];
  for (const { verb, name, version } of lines) {
    const object = objects.get(name);
    if (verb === 'deleted' && object) problems.push(`${name} was deleted and is back`);
    if (version > listVersion) problems.push(`version ${version} was given out, now the newest is ${listVersion}`);
    if (maybeGone.has(name) || (verb !== 'created' && verb !== 'patched')) continue;
    if (!object) problems.push(`${name} was ${verb} and is lost`);
    else if (verb === 'patched' && object.metadata.resourceVersion !== String(version)) {
      problems.push(`${name} was patched as version ${version} and is ${object.metadata.resourceVersion}`);
    } else if (verb === 'patched' && object.data?.['done'] !== 'yes') problems.push(`the patch of ${name} is lost`);
  }
  for (const { metadata, data = {} } of found) {
    if (String(data['filler']?.length) !== data['size']) problems.push(`${metadata.name} is torn`);
  }
  return problems;
}

/** A change as a watch saw it. */
export type Seen = { readonly type: string; readonly name: string; readonly version: number };

/** What is wrong with the events of a watch that led from one list to another. */
export function brokenHistory(
  before: readonly Stored[],
  after: readonly Stored[],
  seen: readonly Seen[],
): readonly string[] {
  const problems: string[] = [];
  const state = new Map(before.map(({ metadata }) => [metadata.name, Number(metadata.resourceVersion)]));
  let last = 0;
  for (const { type, name, version } of seen) {
    if (version <= last) problems.push(`the watch went back from version ${last} to ${version}`);
    last = version;
    if ((type === 'ADDED') === state.has(name))
      problems.push(`the watch said ${type} of ${name}, which was ${state.has(name) ? '' : 'not '}there`);
    if (type === 'DELETED') state.delete(name);
    else state.set(name, version);
  }
  const wanted = new Map(after.map(({ metadata }) => [metadata.name, Number(metadata.resourceVersion)]));
  for (const [name, version] of wanted) {
    if (state.get(name) !== version)
      problems.push(`the watch left ${name} at ${state.get(name) ?? 'nothing'}, it is at ${version}`);
  }
  for (const name of state.keys()) if (!wanted.has(name)) problems.push(`the watch never deleted ${name}`);
  return problems;
}
