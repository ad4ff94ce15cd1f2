import type { Resource } from '@sluice/model';
import { type HttpHandler, readBody } from '@sluice/runtime';
import { TaskError } from './task-error.ts';

type ApiResource = {
  readonly name: string;
  readonly singularName?: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
};

const maxBytes = 8 << 20;

/** The resource of a kind, as the cluster has it. Throws {@link TaskError} when it has none. */
export async function resourceOfKind(
  transport: HttpHandler,
  apiVersion: string,
  kind: string,
  signal: AbortSignal,
): Promise<Resource> {
  const found = (await resourcesOf(transport, apiVersion, signal)).find(
    (one) => one.kind === kind && !one.name.includes('/'),
  );
  if (!found)
    throw new TaskError(`resource mapping not found: no matches for kind "${kind}" in version "${apiVersion}"`);
  return toResource(apiVersion, found);
}

/** The resource that a word of a command line names: plural, singular, kind or short name. */
export async function resourceOfWord(transport: HttpHandler, word: string, signal: AbortSignal): Promise<Resource> {
  const wanted = word.toLowerCase().split('.')[0] ?? '';
  const group = word.toLowerCase().split('.').slice(1).join('.');
  for (const apiVersion of await versionsOf(transport, signal)) {
    if (group !== '' && apiVersion.split('/')[0] !== group) continue;
    const found = (await resourcesOf(transport, apiVersion, signal)).find(
      (one) =>
        !one.name.includes('/') &&
        [one.name, one.singularName, one.kind.toLowerCase(), ...(one.shortNames ?? [])].includes(wanted),
    );
    if (found) return toResource(apiVersion, found);
  }
  throw new TaskError(`the server doesn't have a resource type "${word}"`);
}

function toResource(apiVersion: string, { name, kind, namespaced }: ApiResource): Resource {
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return { group, version, plural: name, kind, namespaced };
}

async function versionsOf(transport: HttpHandler, signal: AbortSignal): Promise<readonly string[]> {
  const list = (await get(transport, '/apis', signal)) as {
    readonly groups?: readonly { readonly preferredVersion?: { readonly groupVersion: string } }[];
  };
  return ['v1', ...(list.groups ?? []).flatMap(({ preferredVersion }) => preferredVersion?.groupVersion ?? [])];
}

async function resourcesOf(
  transport: HttpHandler,
  apiVersion: string,
  signal: AbortSignal,
): Promise<readonly ApiResource[]> {
  if (!/^[a-z0-9.-]+(?:\/[a-z0-9]+)?$/.test(apiVersion))
    throw new TaskError(`apiVersion ${JSON.stringify(apiVersion)} is none`);
  const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const list = (await get(transport, path, signal)) as { readonly resources?: readonly ApiResource[] } | undefined;
  return list?.resources ?? [];
}

async function get(transport: HttpHandler, path: string, signal: AbortSignal): Promise<unknown> {
  const response = await transport({ method: 'GET', path, headers: { accept: 'application/json' }, signal });
  const text = Buffer.from(await readBody(response.body, maxBytes)).toString('utf8');
  if (response.status === 404) return undefined;
  if (response.status >= 300) throw new TaskError(`${path}: the server answered ${response.status}`);
  return JSON.parse(text);
}
