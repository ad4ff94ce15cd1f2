/** What a label selector is made of. Words hold keys, values and the operators `in` and `notin`. */
export type LabelToken = { readonly kind: 'word' | 'symbol' | 'end' | 'bad'; readonly text: string };

const symbols = ['==', '!=', '=', '!', '<', '>', '(', ')', ','];

/** Splits a selector. Symbols are read greedily; a word ends at a symbol or white space. */
export function readTokens(text: string): readonly LabelToken[] {
  const tokens: LabelToken[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (/[ \t\r\n]/u.test(char)) {
      at++;
      continue;
    }
    const symbol = symbols.find((item) => text.startsWith(item, at));
    const found = symbol ?? /^[^=!<>(), \t\r\n]+/u.exec(text.slice(at))?.[0] ?? char;
    tokens.push({ kind: symbol ? 'symbol' : 'word', text: found });
    at += found.length;
  }
  return [...tokens, { kind: 'end', text: '' }];
}
