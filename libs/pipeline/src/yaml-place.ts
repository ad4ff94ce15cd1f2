import { isMap, isNode, isScalar, isSeq, type Document, type Node } from 'yaml';

/**
 * The offset of a dotted path such as `spec.templates[0].container` or `templates.main` (a template by its name) in the
 * text of a document. Where the path leads further than the text does, the place is the last part that is there.
 */
export function offsetOf(document: Document.Parsed, path: string): number {
  let node: Node | undefined = isNode(document.contents) ? document.contents : undefined;
  let offset = node?.range?.[0] ?? 0;
  const parts: string[] = [...(path.match(/[^.[\]]+/g) ?? [])];
  if (parts[0] === 'templates') parts.unshift('spec');
  for (const part of parts) {
    const next = childOf(node, part);
    if (!next) break;
    node = next.value;
    offset = next.offset;
  }
  return offset;
}

type Child = { readonly value: Node | undefined; readonly offset: number };

function childOf(node: Node | undefined, part: string): Child | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
    if (!pair || !isNode(pair.key)) return undefined;
    return { value: isNode(pair.value) ? pair.value : undefined, offset: pair.key.range?.[0] ?? 0 };
  }
  if (!isSeq(node)) return undefined;
  const item = /^\d+$/.test(part)
    ? node.items[Number(part)]
    : node.items.find((candidate) => isMap(candidate) && candidate.get('name') === part);
  return isNode(item) ? { value: item, offset: item.range?.[0] ?? 0 } : undefined;
}
