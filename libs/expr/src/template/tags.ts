/** A piece of a template: text as it stands, or the content of a tag. */
export type TemplatePiece = { readonly kind: 'text' | 'tag'; readonly text: string };

/** Thrown for a tag that is opened and not closed. */
export class UnclosedTag extends Error {
  override readonly name = 'UnclosedTag';
}

/** Split a template at its tags: from each opening to the next closing, without nesting. Throws {@link UnclosedTag}. */
export function splitTemplate(template: string, open = '{{', close = '}}'): readonly TemplatePiece[] {
  const pieces: TemplatePiece[] = [];
  let at = 0;
  for (;;) {
    const start = template.indexOf(open, at);
    if (start < 0) break;
    if (start > at) pieces.push({ kind: 'text', text: template.slice(at, start) });
    const from = start + open.length;
    const end = template.indexOf(close, from);
    if (end < 0) {
      throw new UnclosedTag(
        `Cannot find end tag="${close}" in the template="${template.slice(0, 200)}" starting from "${template.slice(from, from + 200)}"`,
      );
    }
    pieces.push({ kind: 'tag', text: template.slice(from, end) });
    at = end + close.length;
  }
  if (at < template.length) pieces.push({ kind: 'text', text: template.slice(at) });
  return pieces;
}
