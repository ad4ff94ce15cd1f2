import type { Json } from '@sluice/model';
import {
  CelCompileError,
  CelCostError,
  CelError,
  celMeter,
  CelOptional,
  celOptionalOf,
  type CelProgram,
  type CelType,
  celTypes,
  compileCel,
} from '@sluice/expr';
import type { Cause, TypeSchema } from '../kinds/kind.ts';
import { isRecord, plainText } from '../kinds/object-access.ts';
import { itemElement } from '../patch/merge-type.ts';
import { getOwn, isList, isObject, type MutableObject, sameJson } from '../patch/json-value.ts';
import { invalid, required, shown } from './cause.ts';
import { celTypeOf, toCel } from './cel-schema.ts';
import { typeOfOpenApi } from './open-api-type.ts';

/** What one rule may cost, and all rules of one object: the limits of Kubernetes. */
const limits = Object.freeze({ rule: 1_000_000, object: 10_000_000 });

/** Checks objects against the `x-kubernetes-validations` of their schema. Compiled rules are kept. */
export class CelRules {
  /**
   * Every broken rule of a value and what is in it. Rules about changes run where `old` has a value in the same place; a value that is
   * what it was is not held against the other rules (they may be younger than it).
   */
  validate(type: TypeSchema, value: Json, old?: Json, path = ''): readonly Cause[] {
    if (!hasRules(type)) return [];
    const walk = new Walk();
    walk.visit({ rules: type, shape: type }, { value, old, isSame: false, mayBeOld: true }, path);
    return walk.causes;
  }
}

/** Schemas of one place: the one whose rules are played, and the one that says what the value is (they differ under allOf). */
type Schemas = { readonly rules: TypeSchema; readonly shape: TypeSchema };

/** A value, what stood in its place, and whether that or something around it is unchanged. */
type Pair = {
  readonly value: Json;
  readonly old: Json | undefined;
  readonly isSame: boolean;
  /** Whether being unchanged excuses it. */
  readonly mayBeOld: boolean;
};

/** One object's rules, which share one budget. */
class Walk {
  readonly causes: Cause[] = [];
  #left = limits.object;
  #isOver = false;

  visit(schemas: Schemas, given: Pair, path: string): void {
    if (this.#isOver || !hasRules(schemas.rules)) return;
    const { value, old } = given;
    const isSame = given.mayBeOld && (given.isSame || (old !== undefined && sameJson(value, old)));
    const pair: Pair = { ...given, isSame };
    const rules = rulesOf(schemas.rules);
    if (rules.length > 0) this.#own(schemas.shape, rules, pair, path);
    for (const part of partsOf(schemas.rules)) this.visit({ rules: part, shape: schemas.shape }, pair, path);
    this.#inner(schemas, pair, path);
  }

  #own(shape: TypeSchema, rules: readonly Rule[], pair: Pair, path: string): void {
    const before = pair.old === undefined ? undefined : converted(shape, pair.old);
    const self = converted(shape, pair.value);
    for (const rule of rules) {
      if (this.#isOver) return;
      if (rule.isTransition && before === undefined && !rule.optionalOldSelf) continue;
      const place: Place = { shape, rule, path, value: pair.value };
      const program = compiledRule(shape, rule.rule, rule.optionalOldSelf, celTypes.bool);
      if (program instanceof CelCompileError) {
        this.#fail(place, `rule compile error: compilation failed: ${program.message}`);
      } else if (rule.isTransition || !pair.isSame)
        this.#check(place, program, { self, oldSelf: oldSelf(rule, before) });
    }
  }

  #check(place: Place, program: CelProgram, variables: Readonly<Record<string, unknown>>): void {
    const { rule } = place;
    const result = this.#run(program, variables);
    if ('error' in result) return this.#failEvaluation(place, result.error);
    if (result.value === true) return;
    const made =
      rule.messageExpression === undefined
        ? undefined
        : compiledRule(place.shape, rule.messageExpression, rule.optionalOldSelf, celTypes.string);
    const text = made === undefined || made instanceof CelCompileError ? undefined : this.#run(made, variables);
    const message = text && 'value' in text && typeof text.value === 'string' ? text.value.trim() : '';
    this.#fail(place, message || rule.message || `failed rule: ${rule.rule.trim()}`);
  }

  #failEvaluation(place: Place, error: CelError | CelCostError): void {
    const text = place.rule.message ?? place.rule.rule;
    if (error instanceof CelError) {
      const isMismatch = error.message.startsWith('no such overload');
      const words = 'call arguments did not match a supported operator, function or macro signature for rule';
      return this.#fail(place, isMismatch ? `${words}: ${text}` : `${error.message} evaluating rule: ${text}`);
    }
    this.#isOver = true;
    if (this.#left <= 0) {
      this.#fail(place, 'validation failed due to running out of cost budget, no further validation rules will be run');
    } else
      this.#fail(place, `no further validation rules will be run due to call cost exceeds limit for rule: ${text}`);
  }

  #run(
    program: CelProgram,
    variables: Readonly<Record<string, unknown>>,
  ): { readonly value: unknown } | { readonly error: CelError | CelCostError } {
    const meter = celMeter(Math.min(limits.rule, this.#left));
    try {
      for (const value of Object.values(variables)) if (value instanceof CelError) return { error: value };
      return { value: program.run(variables, meter) };
    } catch (error) {
      if (error instanceof CelError || error instanceof CelCostError) return { error };
      throw error;
    } finally {
      this.#left -= meter.spent;
    }
  }

  #fail({ rule, path, value }: Place, detail: string): void {
    const field = `${path}${rule.fieldPath ?? ''}`.replace(/^\./u, '') || '<nil>';
    const seen = isObject(value) || isList(value) ? '' : `${shown(value)}: `;
    this.causes.push({
      reason: rule.reason ?? 'FieldValueInvalid',
      field,
      message: `Invalid value: ${seen}${detail}`,
    });
  }

  #inner(schemas: Schemas, pair: Pair, path: string): void {
    const { value } = pair;
    if (isList(value)) this.#items(schemas, { ...pair, value }, path);
    else if (isObject(value)) for (const key of Object.keys(value)) this.#field(schemas, { ...pair, value }, path, key);
  }

  #items(
    { rules, shape }: Schemas,
    { value, old, isSame }: Pair & { readonly value: readonly Json[] },
    path: string,
  ): void {
    const { items } = rules;
    if (!items || !hasRules(items)) return;
    for (const [index, item] of value.entries()) {
      const pair: Pair = { value: item, old: counterpart(shape, item, old), isSame, mayBeOld: true };
      this.visit({ rules: items, shape: shape.items ?? items }, pair, `${path}[${index}]`);
    }
  }

  #field(
    { rules, shape }: Schemas,
    { value, old, isSame }: Pair & { readonly value: MutableObject },
    path: string,
    key: string,
  ): void {
    const declared = rules.fields?.get(key)?.type;
    const inner = declared ?? rules.values;
    if (!inner || !hasRules(inner)) return;
    const place = declared ? `${path}.${key}`.replace(/^\./u, '') : `${path}[${key}]`;
    const before = isObject(old) ? getOwn(old, key) : undefined;
    const mayBeOld = path !== '' || (key !== 'apiVersion' && key !== 'kind');
    const pair: Pair = { value: value[key] ?? null, old: before, isSame, mayBeOld };
    this.visit({ rules: inner, shape: shape.fields?.get(key)?.type ?? shape.values ?? inner }, pair, place);
  }
}

/** More rules than this are not looked at. */
const maxRuleCauses = 100;

/** Why rules of a schema cannot be compiled. `path` is where the schema stands. */
export function validateRules(type: TypeSchema, path: string): readonly Cause[] {
  const causes: Cause[] = [];
  const visit = (rules: TypeSchema, shape: TypeSchema, at: string): void => {
    if (!hasRules(rules) || causes.length >= maxRuleCauses) return;
    for (const [index, rule] of rulesOf(rules).entries()) {
      causes.push(...expressionCauses(shape, rule, `${at}.x-kubernetes-validations[${index}]`));
    }
    for (const [index, part] of partsOf(rules).entries()) visit(part, shape, `${at}.allOf[${index}]`);
    for (const { name, type: inner } of rules.fields?.values() ?? []) {
      visit(inner, shape.fields?.get(name)?.type ?? inner, `${at}.properties[${name}]`);
    }
    if (rules.items) visit(rules.items, shape.items ?? rules.items, `${at}.items`);
    if (rules.values) visit(rules.values, shape.values ?? rules.values, `${at}.additionalProperties`);
  };
  visit(type, type, path);
  return causes.slice(0, maxRuleCauses);
}

function expressionCauses(shape: TypeSchema, rule: Rule, at: string): readonly Cause[] {
  if (rule.rule.trim() === '') return [required(`${at}.rule`)];
  const program = compiledRule(shape, rule.rule, rule.optionalOldSelf, celTypes.bool);
  const message =
    rule.messageExpression === undefined
      ? undefined
      : compiledRule(shape, rule.messageExpression, rule.optionalOldSelf, celTypes.string);
  return [
    ...(program instanceof CelCompileError
      ? [invalid(`${at}.rule`, rule.rule, `compilation failed: ${program.message}`)]
      : []),
    ...(message instanceof CelCompileError
      ? [
          invalid(
            `${at}.messageExpression`,
            rule.messageExpression ?? '',
            `messageExpression compilation failed: ${message.message}`,
          ),
        ]
      : []),
  ];
}

/** Where a rule is played. */
type Place = { readonly shape: TypeSchema; readonly rule: Rule; readonly path: string; readonly value: Json };

function converted(shape: TypeSchema, value: Json): unknown {
  try {
    return toCel(shape, value);
  } catch (error) {
    if (error instanceof CelError) return error;
    throw error;
  }
}

function oldSelf(rule: Rule, before: unknown): unknown {
  return rule.optionalOldSelf ? new CelOptional(before) : before;
}

const programs = new WeakMap<TypeSchema, Map<string, CelProgram | CelCompileError>>();

/** A rule over values of a schema, or why there is none. Kept as long as the schema. */
export function compiledRule(
  shape: TypeSchema,
  text: string,
  optionalOldSelf: boolean,
  wanted: CelType,
): CelProgram | CelCompileError {
  const own = programs.get(shape) ?? new Map<string, CelProgram | CelCompileError>();
  programs.set(shape, own);
  const key = `${optionalOldSelf ? 'optional' : 'plain'} ${text}`;
  const known = own.get(key);
  if (known !== undefined) return known;
  const made = compileRule(shape, text, optionalOldSelf, wanted);
  own.set(key, made);
  return made;
}

function compileRule(
  shape: TypeSchema,
  text: string,
  optionalOldSelf: boolean,
  wanted: CelType,
): CelProgram | CelCompileError {
  const self = celTypeOf(shape) ?? celTypes.dyn;
  const variables = new Map([
    ['self', self],
    ['oldSelf', optionalOldSelf ? celOptionalOf(self) : self],
  ]);
  try {
    return compileCel(text, variables, { wanted });
  } catch (error) {
    if (error instanceof CelCompileError) return error;
    throw error;
  }
}

const parts = new WeakMap<TypeSchema, readonly TypeSchema[]>();

/** The schemas under allOf, which may hold rules too. */
function partsOf(type: TypeSchema): readonly TypeSchema[] {
  const known = parts.get(type);
  if (known) return known;
  const declared = type.openApi?.['allOf'];
  const made = Array.isArray(declared) ? (declared as readonly unknown[]).map(typeOfOpenApi) : [];
  parts.set(type, made);
  return made;
}

const ruled = new WeakMap<TypeSchema, boolean>();

/** Whether there are rules in the schema or anywhere below. */
function hasRules(type: TypeSchema): boolean {
  const known = ruled.get(type);
  if (known !== undefined) return known;
  ruled.set(type, false);
  const below = [
    ...partsOf(type),
    ...[...(type.fields?.values() ?? [])].map((field) => field.type),
    ...(type.items ? [type.items] : []),
    ...(type.values ? [type.values] : []),
  ];
  const found = rulesOf(type).length > 0 || below.some(hasRules);
  ruled.set(type, found);
  return found;
}

type Rule = {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf: boolean;
  /** It asks for what was there before. */
  readonly isTransition: boolean;
};

const read = new WeakMap<TypeSchema, readonly Rule[]>();

function rulesOf(type: TypeSchema): readonly Rule[] {
  const known = read.get(type);
  if (known) return known;
  const declared = type.openApi?.['x-kubernetes-validations'];
  const made = Array.isArray(declared) ? (declared as readonly unknown[]).filter(isRecord).map(readRule) : [];
  read.set(type, made);
  return made;
}

function readRule(rule: Readonly<Record<string, unknown>>): Rule {
  const text = (name: string) => (typeof rule[name] === 'string' && rule[name] !== '' ? { [name]: rule[name] } : {});
  const expression = plainText(rule['rule']);
  return {
    ...text('message'),
    ...text('messageExpression'),
    ...text('reason'),
    ...text('fieldPath'),
    rule: expression,
    optionalOldSelf: rule['optionalOldSelf'] === true,
    isTransition: /\boldSelf\b/u.test(`${expression} ${plainText(rule['messageExpression'])}`),
  };
}

/** The old item that a new one stands for: only lists by key say. */
function counterpart(type: TypeSchema, item: Json, old: Json | undefined): Json | undefined {
  if ((type.listType !== 'map' && type.listType !== 'set') || !isList(old)) return undefined;
  try {
    const element = itemElement(type, item);
    return old.find((other) => itemElement(type, other) === element);
  } catch {
    return undefined;
  }
}
