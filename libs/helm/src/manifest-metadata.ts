import { isMap, parseAllDocuments, type Document } from 'yaml';

type Texts = Readonly<Record<string, string>>;

/** The manifest with these labels and annotations on every object. The rest of each document stays as it is written. */
export function withMetadata(manifest: string, { labels, annotations }: { labels: Texts; annotations: Texts }): string {
  if (Object.keys(labels).length + Object.keys(annotations).length === 0) return manifest;
  const documents = read(manifest);
  for (const document of documents) {
    if (!isMap(document.contents)) continue;
    const items = document.getIn(['items']);
    const kind = document.get('kind');
    const isList = typeof kind === 'string' && kind.endsWith('List') && items !== undefined;
    const roots = isList ? Array.from({ length: lengthOf(items) }, (_, index) => ['items', index]) : [[]];
    for (const root of roots) {
      setAll(document, [...root, 'metadata', 'labels'], labels);
      setAll(document, [...root, 'metadata', 'annotations'], annotations);
    }
  }
  return join(documents);
}

/** Hooks apart from everything else. */
export function withoutHooks(manifest: string): { readonly hooks: string; readonly others: string } {
  const documents = read(manifest);
  const isHook = (document: Document): boolean =>
    document.getIn(['metadata', 'annotations', 'helm.sh/hook']) !== undefined;
  return { hooks: join(documents.filter(isHook)), others: join(documents.filter((document) => !isHook(document))) };
}

function read(manifest: string): readonly Document[] {
  const documents = [...parseAllDocuments(manifest, { uniqueKeys: false })] as Document[];
  const [error] = documents.flatMap((document) => document.errors);
  if (error) throw new Error(`a rendered manifest is not YAML: ${error.message.split('\n')[0] ?? ''}`);
  return documents.filter((document) => document.contents !== null);
}

function lengthOf(items: unknown): number {
  const { items: inside } = items as { readonly items?: readonly unknown[] };
  return inside?.length ?? 0;
}

function setAll(document: Document, path: readonly (string | number)[], texts: Texts): void {
  const entries = Object.entries(texts);
  if (entries.length === 0) return;
  // `labels:` with nothing after it is null, into which nothing can be put.
  if (!isMap(document.getIn(path))) document.setIn(path, document.createNode({}));
  for (const [key, value] of entries) document.setIn([...path, key], value);
}

function join(documents: readonly Document[]): string {
  const texts = documents.map((document) => document.toString({ lineWidth: 0, directives: false }));
  return texts.join('---\n');
}
