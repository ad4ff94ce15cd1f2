import type { KindInfo } from '../kinds/kind.ts';

/** A subresource as discovery lists it. */
export type Subresource = {
  readonly name: string;
  /** What it answers with; the group and version are left out where they are the parent's. */
  readonly responseKind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly string[];
};

const core = (kind: string): Subresource['responseKind'] => ({ group: '', version: 'v1', kind });
const stream = ['create', 'get'];

const special: Readonly<Record<string, readonly Subresource[]>> = {
  pods: [
    { name: 'attach', responseKind: core('PodAttachOptions'), verbs: stream },
    { name: 'binding', responseKind: core('Binding'), verbs: ['create'] },
    { name: 'eviction', responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' }, verbs: ['create'] },
    { name: 'exec', responseKind: core('PodExecOptions'), verbs: stream },
    { name: 'log', responseKind: core('Pod'), verbs: ['get'] },
    { name: 'portforward', responseKind: core('PodPortForwardOptions'), verbs: stream },
  ],
  serviceaccounts: [
    {
      name: 'token',
      responseKind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
      verbs: ['create'],
    },
  ],
  namespaces: [{ name: 'finalize', responseKind: core('Namespace'), verbs: ['update'] }],
};

/** The subresources of a kind, by name. */
export function subresourcesOf(kind: KindInfo): readonly Subresource[] {
  const { status, scale } = kind.subresources;
  const own = { group: kind.group, version: kind.version, kind: kind.kind };
  const verbs = ['get', 'patch', 'update'];
  const found: Subresource[] = [
    ...(kind.group === '' ? (special[kind.plural] ?? []) : []),
    ...(status ? [{ name: 'status', responseKind: own, verbs }] : []),
    ...(scale ? [{ name: 'scale', responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs }] : []),
  ];
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}
