import type { Result } from '@sluice/model';
import { isLabelValue, isQualifiedName } from '@sluice/expr';
import { isRecord, plainText } from '../kinds/object-access.ts';
import { type LabelToken, readTokens } from './label-lexer.ts';

/** The operators of a label selector. */
export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

/** One term of a label selector. */
export type LabelRequirement = {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
};

/** Terms that must all hold; empty matches everything. */
export type LabelSelector = readonly LabelRequirement[];

/** Longer selectors are refused. */
const maxLength = 65_536;

class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

/** Parses a labelSelector parameter. */
export function parseLabelSelector(text: string): Result<LabelSelector> {
  if (text.length > maxLength) return refuse(`the selector is longer than ${maxLength} characters`);
  try {
    return { ok: true, value: new Parser(readTokens(text)).parse().toSorted(byKey) };
  } catch (error) {
    if (error instanceof SelectorError) return refuse(`unable to parse requirement: ${error.message}`);
    throw error;
  }
}

function refuse(message: string): Result<LabelSelector> {
  return { ok: false, problems: [{ code: 'BadLabelSelector', severity: 'error', message }] };
}

function byKey(a: LabelRequirement, b: LabelRequirement): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

class Parser {
  readonly #tokens: readonly LabelToken[];
  #at = 0;
  constructor(tokens: readonly LabelToken[]) {
    this.#tokens = tokens;
  }

  parse(): LabelRequirement[] {
    const out: LabelRequirement[] = [];
    if (this.#peek().kind === 'end') return out;
    for (;;) {
      if (this.#peek().kind !== 'word' && !this.#is('!')) this.#fail("!, identifier, or 'end of string'");
      out.push(this.#requirement());
      if (this.#peek().kind === 'end') return out;
      if (!this.#is(',')) this.#fail("',' or 'end of string'");
      this.#take();
      if (this.#peek().kind !== 'word' && !this.#is('!')) this.#fail("identifier after ','");
    }
  }

  #peek(): LabelToken {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' };
  }

  #is(symbol: string): boolean {
    return this.#peek().kind === 'symbol' && this.#peek().text === symbol;
  }

  #take(): LabelToken {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #fail(expected: string): never {
    throw new SelectorError(`found '${this.#peek().text}', expected: ${expected}`);
  }

  #requirement(): LabelRequirement {
    const negated = this.#is('!');
    if (negated) this.#take();
    if (this.#peek().kind !== 'word') this.#fail('identifier');
    const key = this.#take().text;
    if (negated) return checked({ key, operator: '!', values: [] });
    if (this.#peek().kind === 'end' || this.#is(',')) return checked({ key, operator: 'exists', values: [] });
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()];
    return checked({ key, operator, values: [...new Set(values)].toSorted() });
  }

  #operator(): LabelOperator {
    const { text } = this.#peek();
    const named: Readonly<Record<string, LabelOperator>> = { '>': 'gt', '<': 'lt', in: 'in', notin: 'notin' };
    const operator =
      text === '=' || text === '==' || text === '!=' ? text : Object.hasOwn(named, text) ? named[text] : undefined;
    if (operator === undefined) this.#fail('in, notin, =, ==, !=, gt, lt');
    this.#take();
    return operator;
  }

  #exactValue(): string {
    if (this.#peek().kind === 'end' || this.#is(',')) return '';
    if (this.#peek().kind !== 'word') this.#fail('identifier');
    return this.#take().text;
  }

  #values(): readonly string[] {
    if (!this.#is('(')) this.#fail("'('");
    this.#take();
    const values: string[] = [];
    for (;;) {
      values.push(this.#is(',') || this.#is(')') ? '' : this.#value());
      if (this.#is(')')) break;
      if (!this.#is(',')) this.#fail("',' or ')'");
      this.#take();
      if (this.#is(')')) values.push('');
      if (this.#is(')')) break;
    }
    this.#take();
    return values;
  }

  #value(): string {
    if (this.#peek().kind !== 'word') this.#fail("',', ')' or identifier");
    return this.#take().text;
  }
}

/** What is wrong with a requirement, undefined when nothing is. */
export function refuseRequirement({ key, operator, values }: LabelRequirement): string | undefined {
  const badKey = isQualifiedName(key);
  if (badKey.length > 0) return `key: Invalid value: ${JSON.stringify(key)}: ${badKey.join('; ')}`;
  const wrong = refuseValues(operator, values);
  if (wrong) return `values: Invalid value: ${JSON.stringify(values)}: ${wrong}`;
  for (const [index, value] of values.entries()) {
    const bad = isLabelValue(value);
    if (bad.length > 0) return `values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${bad.join('; ')}`;
  }
  return undefined;
}

function refuseValues(operator: LabelOperator, values: readonly string[]): string | undefined {
  switch (operator) {
    case 'in':
    case 'notin':
      return values.length === 0 ? "for 'in', 'notin' operators, values set can't be empty" : undefined;
    case '=':
    case '==':
    case '!=':
      return values.length === 1 ? undefined : 'exact-match compatibility requires one single value';
    case 'exists':
    case '!':
      return values.length === 0 ? undefined : 'values set must be empty for exists and does not exist';
    case 'gt':
    case 'lt':
      if (values.length !== 1) return "for 'Gt', 'Lt' operators, exactly one value is required";
      return values.every((value) => integerOf(value) !== undefined)
        ? undefined
        : "for 'Gt', 'Lt' operators, the value must be an integer";
  }
}

function integerOf(text: string): bigint | undefined {
  if (!/^[+-]?\d{1,20}$/u.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/u, ''));
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

function checked(requirement: LabelRequirement): LabelRequirement {
  const wrong = refuseRequirement(requirement);
  if (wrong) throw new SelectorError(wrong);
  return requirement;
}

/** Whether all terms hold for these labels. */
export function matchesLabels(selector: LabelSelector, labels: Readonly<Record<string, string>> | undefined): boolean {
  return selector.every((requirement) => {
    const { key } = requirement;
    return holds(requirement, labels && Object.hasOwn(labels, key) ? labels[key] : undefined);
  });
}

function holds({ operator, values }: LabelRequirement, value: string | undefined): boolean {
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      const left = value === undefined ? undefined : integerOf(value);
      const right = integerOf(values[0] ?? '');
      if (left === undefined || right === undefined) return false;
      return operator === 'gt' ? left > right : left < right;
    }
  }
}

/** The selector in the form that Kubernetes prints. */
export function formatLabelSelector(selector: LabelSelector): string {
  return selector.map(formatRequirement).join(',');
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  const list = values.toSorted().join(',');
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${list})`;
    case 'gt':
      return `${key}>${list}`;
    case 'lt':
      return `${key}<${list}`;
    case '=':
    case '==':
    case '!=':
      return `${key}${operator}${list}`;
  }
}

const objectOperators: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** The selector of a metav1.LabelSelector object. `nothing` for null, which matches no object. */
export function labelSelectorOf(object: unknown): Result<LabelSelector | 'nothing'> {
  if (object === null || object === undefined) return { ok: true, value: 'nothing' };
  const labels = isRecord(object) && isRecord(object['matchLabels']) ? object['matchLabels'] : {};
  const expressions = isRecord(object) && Array.isArray(object['matchExpressions']) ? object['matchExpressions'] : [];
  const requirements: LabelRequirement[] = Object.entries(labels).map(([key, value]) => ({
    key,
    operator: '=',
    values: [String(value)],
  }));
  for (const expression of expressions as readonly unknown[]) {
    const { key, operator, values } = isRecord(expression) ? expression : {};
    const known =
      typeof operator === 'string' && Object.hasOwn(objectOperators, operator) ? objectOperators[operator] : undefined;
    if (known === undefined) return refuse(`"${String(operator)}" is not a valid label selector operator`);
    const list = Array.isArray(values) ? (values as readonly unknown[]).map(String) : [];
    requirements.push({ key: plainText(key), operator: known, values: list.toSorted() });
  }
  const wrong = requirements.map(refuseRequirement).find((problem) => problem !== undefined);
  return wrong === undefined ? { ok: true, value: requirements.toSorted(byKey) } : refuse(wrong);
}

/** The selector that asks for exactly these labels. */
export function selectorOfLabels(labels: Readonly<Record<string, string>>): LabelSelector {
  return Object.entries(labels).map(([key, value]): LabelRequirement => ({ key, operator: '=', values: [value] }));
}

/** Reads `a=b,c=d` as labels; other operators are problems. */
export function labelsOfSelector(text: string): Result<Readonly<Record<string, string>>> {
  const labels: Record<string, string> = {};
  if (text === '') return { ok: true, value: labels };
  for (const part of text.split(',')) {
    const [key = '', value, ...rest] = part.split('=').map((piece) => piece.trim());
    const wrong =
      value === undefined || rest.length > 0
        ? 'invalid selector'
        : refuseRequirement({ key, operator: '=', values: [value] });
    if (wrong !== undefined)
      return {
        ok: false,
        problems: [{ code: 'BadLabelSelector', severity: 'error', message: `invalid selector: ${text}: ${wrong}` }],
      };
    labels[key] = value ?? '';
  }
  return { ok: true, value: labels };
}
