/**
 * Argo replaces `{{…}}` everywhere in a Workflow's spec. Text that is not ours (scripts, names of refs) must arrive as it
 * was written, so where it holds `{{` it travels in the octal escapes of printf %b and the shell in the pod turns it back.
 */
export function holdsTag(text: string): boolean {
  return text.includes('{{');
}

/** The text with everything but plain characters as `\0ooo` of its UTF-8 bytes. */
export function toOctal(text: string): string {
  let out = '';
  for (const byte of new TextEncoder().encode(text)) {
    const char = String.fromCharCode(byte);
    out += /[A-Za-z0-9_./:@ \n-]/.test(char) ? char : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return out;
}

/** A script for `sh -e` that does what `script` does and holds no tag. */
export function literalScript(script: string): string {
  return holdsTag(script) ? `eval "$(printf '%b' '${toOctal(script)}')"\n` : script;
}

/** An environment variable with exactly this value; `prelude` is shell that must run before the value is used. */
export function literalEnv(name: string, value: string): { readonly value: string; readonly prelude: string } {
  if (!holdsTag(value)) return { value, prelude: '' };
  // The dot keeps trailing newlines, which $() would remove.
  return { value: toOctal(value), prelude: `${name}=$(printf '%b.' "$${name}"); ${name}=\${${name}%.}\n` };
}
