/**
 * Kubernetes' `$(NAME)` references. `$$` is a dollar sign; a reference to an unknown variable stays as it is.
 */
export function expandReferences(text: string, lookup: (name: string) => string | undefined): string {
  let result = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0 || dollar === text.length - 1) return result + text.slice(at);
    result += text.slice(at, dollar);
    const next = text[dollar + 1];
    const close = next === '(' ? text.indexOf(')', dollar) : -1;
    if (next === '$') {
      result += '$';
      at = dollar + 2;
    } else if (close > 0) {
      const name = text.slice(dollar + 2, close);
      result += lookup(name) ?? `$(${name})`;
      at = close + 1;
    } else {
      result += '$';
      at = dollar + 1;
    }
  }
  return result;
}
