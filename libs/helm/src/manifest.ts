import type { KubeObject } from '@sluice/model';
import { parseAllDocuments } from 'yaml';

/** A manifest that is not a list of Kubernetes objects. */
export class BadManifest extends Error {
  override readonly name = 'BadManifest';
}

const maxObjects = 10_000;

/** The objects of a rendered manifest in their order; lists are opened, empty documents left out. Throws {@link BadManifest}. */
export function readManifest(manifest: string): readonly KubeObject[] {
  const objects: KubeObject[] = [];
  for (const document of parseAllDocuments(manifest, { uniqueKeys: false })) {
    const [error] = document.errors;
    if (error) throw new BadManifest(`the manifest cannot be read: ${error.message.split('\n')[0] ?? ''}`);
    add(document.toJS({ maxAliasCount: 1_000 }) as unknown, objects);
  }
  return objects;
}

function add(value: unknown, objects: KubeObject[]): void {
  if (typeof value !== 'object' || value === null) return;
  const { apiVersion, kind, metadata, items } = value as Partial<KubeObject> & { readonly items?: unknown };
  if (Array.isArray(items) && typeof kind === 'string' && kind.endsWith('List')) {
    for (const item of items) add(item, objects);
    return;
  }
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof metadata?.name !== 'string') {
    throw new BadManifest('the manifest has a document without apiVersion, kind or metadata.name');
  }
  if (objects.length >= maxObjects) throw new BadManifest(`the manifest has more than ${maxObjects} objects`);
  objects.push(value as KubeObject);
}
