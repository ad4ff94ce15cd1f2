import type { KubeObject, Result } from '@sluice/model';
import type { KindInfo } from '../kinds/kind.ts';
import { valueAt } from '../kinds/object-access.ts';

/** One term of a field selector. */
export type FieldRequirement = { readonly field: string; readonly operator: '=' | '!='; readonly value: string };

/** Terms that must all hold; empty matches everything. */
export type FieldSelector = readonly FieldRequirement[];

/** Longer selectors are refused. */
const maxLength = 65_536;

/** Parses a fieldSelector parameter; with a kind, a field that the kind cannot be selected by is a problem. */
export function parseFieldSelector(text: string, kind?: KindInfo): Result<FieldSelector> {
  if (text.length > maxLength) return refuse(`the selector is longer than ${maxLength} characters`);
  const out: FieldRequirement[] = [];
  for (const term of splitTerms(text)) {
    if (term === '') continue;
    const parts = splitTerm(term);
    if (parts === undefined) return refuse(`invalid selector: '${text}'; can't understand '${term}'`);
    const value = unescapeValue(parts.value);
    if (!value.ok) return refuse(value.problems[0]?.message ?? '');
    if (kind && !isSelectable(kind, parts.field)) {
      return refuse(`field label not supported: ${parts.field}`);
    }
    out.push({ field: parts.field, operator: parts.operator === '!=' ? '!=' : '=', value: value.value });
  }
  return { ok: true, value: out.filter(({ field, value }) => field !== '' || value !== '').toSorted(byField) };
}

function byField(a: FieldRequirement, b: FieldRequirement): number {
  return a.field < b.field ? -1 : a.field > b.field ? 1 : 0;
}

function isSelectable(kind: KindInfo, field: string): boolean {
  return field === 'metadata.name' || field === 'metadata.namespace' || kind.selectableFields.includes(field);
}

function refuse(message: string): {
  readonly ok: false;
  readonly problems: readonly { readonly code: string; readonly severity: 'error'; readonly message: string }[];
} {
  return { ok: false, problems: [{ code: 'BadFieldSelector', severity: 'error', message }] };
}

/** The terms between commas that are not escaped. */
export function splitTerms(text: string): readonly string[] {
  if (text === '') return [];
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === ',') {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...terms, text.slice(start)];
}

/** A term in three parts, the value still escaped; undefined when it has no operator. */
export function splitTerm(
  term: string,
): { readonly field: string; readonly operator: '=' | '==' | '!='; readonly value: string } | undefined {
  for (let at = 0; at < term.length; at++) {
    const rest = term.slice(at);
    const operator = (['!=', '==', '='] as const).find((item) => rest.startsWith(item));
    if (operator) return { field: term.slice(0, at), operator, value: rest.slice(operator.length) };
  }
  return undefined;
}

/** Marks what has a meaning in a selector. */
export function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll(',', '\\,').replaceAll('=', '\\=');
}

/** The inverse of {@link escapeValue}; other escapes and bare commas and equals signs are problems. */
export function unescapeValue(text: string): Result<string> {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') {
      const next = text.charAt(++at);
      if (next !== '\\' && next !== ',' && next !== '=')
        return refuse(`invalid field selector: invalid escape sequence: \\${next}`);
      out += next;
    } else if (char === ',' || char === '=')
      return refuse(`invalid field selector: unescaped character in value: ${char}`);
    else out += char;
  }
  return { ok: true, value: out };
}

/** Whether all terms hold for the object. */
export function matchesFields(selector: FieldSelector, object: KubeObject): boolean {
  return matchesFieldValues(selector, (field) => fieldText(object, field));
}

/** Whether all terms hold for the values that `valueOf` gives; a missing value is ''. */
export function matchesFieldValues(selector: FieldSelector, valueOf: (field: string) => string): boolean {
  return selector.every(({ field, operator, value }) => (valueOf(field) === value) === (operator === '='));
}

/** Fields of events that are not at the path that their name says. */
const aliases: Readonly<Record<string, string>> = {
  source: 'source.component',
  'status.successful': 'status.succeeded',
};

/** The value of a selectable field as text; false, 0 and what is missing are spelt as Kubernetes spells the zero of the field. */
export function fieldText(object: KubeObject, field: string): string {
  const value = valueAt(object, aliases[field] ?? field);
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (field === 'spec.unschedulable' || field === 'spec.hostNetwork') return 'false';
  return field === 'status.replicas' || field === 'status.successful' ? '0' : '';
}

/** The selector as Kubernetes prints it. */
export function formatFieldSelector(selector: FieldSelector): string {
  return selector.map(({ field, operator, value }) => `${field}${operator}${escapeValue(value)}`).join(',');
}
