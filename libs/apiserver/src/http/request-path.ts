/** What a path under /api or /apis names. */
export type ResourcePath = {
  readonly group: string;
  readonly version: string;
  /** '' where the path has none. */
  readonly namespace: string;
  readonly plural: string;
  readonly name: string;
  readonly subresource: string;
  /** The deprecated `/watch/` prefix was there. */
  readonly watch: boolean;
};

/** Splits `/api/v1/namespaces/n/pods/p/log`. undefined when the path is not that of a resource; throws URIError for bad escapes. */
export function parseResourcePath(pathname: string): ResourcePath | undefined {
  const parts = pathname.split('/').filter((part) => part !== '');
  const core = parts[0] === 'api';
  if (!core && parts[0] !== 'apis') return undefined;
  const group = core ? '' : (parts[1] ?? '');
  const version = parts[core ? 1 : 2] ?? '';
  let rest = parts.slice(core ? 2 : 3).map(decodeURIComponent);
  const watch = rest[0] === 'watch';
  if (watch) rest = rest.slice(1);
  if (rest.length === 0 || rest.length > 5) return undefined;
  const base = { group, version, watch };
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = rest;
  if (first !== 'namespaces' || second === '') return cluster(base, rest);
  if (third === '' || namespaceSubresources.has(third)) {
    return { ...base, namespace: '', plural: 'namespaces', name: second, subresource: third };
  }
  return { ...base, namespace: second, plural: third, name: fourth, subresource: fifth };
}

function cluster(
  base: Pick<ResourcePath, 'group' | 'version' | 'watch'>,
  rest: readonly string[],
): ResourcePath | undefined {
  if (rest.length > 3) return undefined;
  return { ...base, namespace: '', plural: rest[0] ?? '', name: rest[1] ?? '', subresource: rest[2] ?? '' };
}

const namespaceSubresources: ReadonlySet<string> = new Set(['status', 'finalize']);
