import { createHash } from 'node:crypto';
import type { HttpResponse } from '@sluice/runtime';
import { negotiateDiscovery } from '../http/accept.ts';
import { json } from '../http/respond.ts';
import { groupVersionOf, type KindInfo } from '../kinds/kind.ts';
import { type KindRegistry, storageId } from '../registry/kind-registry.ts';
import { subresourcesOf } from './subresources.ts';

type GroupVersion = { readonly groupVersion: string; readonly version: string };

/** `/api` and `/apis`, in the form that the client asked for. */
export function groupsResponse(registry: KindRegistry, core: boolean, accept: string | undefined): HttpResponse {
  const form = negotiateDiscovery(accept);
  if (form === 'plain') return json(200, core ? coreVersions : groupList(registry));
  const groups = registry.groups().filter(({ group }) => (group === '') === core);
  const body = {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${form}`,
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: group === '' ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        resources: registry.inGroupVersion(group, version).map(aggregatedResource),
        freshness: 'Current',
      })),
    })),
  };
  const response = json(200, body);
  const type = `application/json;g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`;
  return { ...response, headers: { ...response.headers, 'content-type': type, vary: 'Accept' } };
}

const coreVersions = { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };

function groupList(registry: KindRegistry): Record<string, unknown> {
  const groups = registry.groups().filter(({ group }) => group !== '');
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groups.map(({ group, versions }) => groupOf(group, versions)),
  };
}

function groupOf(group: string, versions: readonly string[]): Record<string, unknown> {
  const list: GroupVersion[] = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: list, preferredVersion: list[0] };
}

/** `/apis/GROUP`; undefined when there is no such group. */
export function groupResponse(registry: KindRegistry, group: string): HttpResponse | undefined {
  const found = registry.groups().find((listing) => listing.group === group);
  return found && json(200, { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group, found.versions) });
}

/** `/api/v1` and `/apis/GROUP/VERSION`; undefined when nothing is served there. */
export function resourcesResponse(registry: KindRegistry, group: string, version: string): HttpResponse | undefined {
  const kinds = registry.inGroupVersion(group, version);
  if (kinds.length === 0) return undefined;
  const groupVersion = groupVersionOf({ group, version });
  return json(200, {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: kinds.flatMap(plainResources),
  });
}

function plainResources(kind: KindInfo): readonly Record<string, unknown>[] {
  const { plural, singular, namespaced, verbs, shortNames, categories } = kind;
  const resource = {
    name: plural,
    singularName: singular,
    namespaced,
    kind: kind.kind,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(kind.stored ? { storageVersionHash: storageHash(kind) } : {}),
  };
  const subresources = subresourcesOf(kind).map(({ name, responseKind, verbs: subVerbs }) => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    ...(responseKind.group === kind.group ? {} : { group: responseKind.group, version: responseKind.version }),
    kind: responseKind.kind,
    verbs: subVerbs,
  }));
  return [resource, ...subresources];
}

function aggregatedResource(kind: KindInfo): Record<string, unknown> {
  const { group, version, plural, singular, namespaced, verbs, shortNames, categories } = kind;
  const subresources = subresourcesOf(kind).map(({ name, responseKind, verbs: subVerbs }) => ({
    subresource: name,
    responseKind,
    verbs: subVerbs,
  }));
  return {
    resource: plural,
    responseKind: { group, version, kind: kind.kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

function storageHash(kind: KindInfo): string {
  const text = `${storageId(kind)}/${kind.storageVersion}/${kind.kind}`;
  return createHash('sha256').update(text).digest().subarray(0, 8).toString('base64');
}
