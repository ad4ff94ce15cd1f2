import { compare, parse, satisfies, validRange } from 'semver';

/** The tag with the highest version in a range. Tags write `_` for `+`; those that are no versions are passed over. */
export function selectVersion(tags: readonly string[], range: string): string | undefined {
  const versions = tags
    .map((tag) => ({ tag, version: parse(tag.replaceAll('_', '+')) }))
    .filter(({ version }) => version !== null && satisfies(version, range));
  versions.sort((a, b) => (a.version && b.version ? compare(b.version, a.version) : 0));
  return versions[0]?.tag;
}

/** True when the text is a version range. */
export function isVersionRange(text: string): boolean {
  return validRange(text) !== null;
}
