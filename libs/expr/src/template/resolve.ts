import type { Environment } from '../lang/evaluate.ts';
import { evaluateExpression } from '../program.ts';
import { formatValue, type Value } from '../value.ts';

/** The inside of a tag without its braces and blanks. */
export function unwrapTag(text: string): string {
  return text.replace(/^\{\{/, '').replace(/\}\}$/, '').trim();
}

/** What one tag refers to, as `from` and `valueFrom.parameter` resolve it: a name, or `=` and an expression. */
export function resolveTag(
  tag: string,
  lookUp: (name: string) => Value | undefined,
  environment: () => Environment,
): { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly message: string } {
  const inner = unwrapTag(tag);
  if (!inner.startsWith('=')) {
    const value = lookUp(inner);
    return value === undefined ? { ok: false, message: `Unable to resolve: "${inner}"` } : { ok: true, value };
  }
  const result = evaluateExpression(inner.slice(1).trim(), environment());
  if (!result.ok)
    return {
      ok: false,
      message: `Unable to ${result.phase === 'compile' ? 'compile' : 'resolve'}: "${inner.slice(1)}"`,
    };
  return result.value === null
    ? { ok: false, message: `Unable to resolve: "${inner}"` }
    : { ok: true, value: result.value };
}

/** Evaluate a condition (hook, retry, depends): an expression that must give a bool. */
export function evaluateCondition(
  source: string,
  environment: Environment,
): { readonly ok: true; readonly value: boolean } | { readonly ok: false; readonly message: string } {
  const result = evaluateExpression(source, environment);
  if (!result.ok) return { ok: false, message: result.message };
  if (typeof result.value !== 'boolean')
    return { ok: false, message: `unable to cast expression result '${formatValue(result.value)}' to bool` };
  return { ok: true, value: result.value };
}
