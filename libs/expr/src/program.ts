import type { Node } from './lang/ast.ts';
import { type BudgetLimits, defaultBudget } from './lang/budget.ts';
import { checkExpression, type Names } from './lang/checker.ts';
import { clockOf } from './lang/clock.ts';
import { type Environment, runExpression } from './lang/evaluate.ts';
import { describeError, ExprError, type ExprPhase } from './lang/failure.ts';
import { parseExpression } from './lang/parser.ts';
import type { Value } from './value.ts';

/** The value of an expression, or why there is none. `message` ends in `(line:column)`. */
export type Evaluation =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly phase: ExprPhase; readonly message: string };

const parsed = new Map<string, Node>();
const maxParsed = 1_000;

function parse(source: string): Node {
  const known = parsed.get(source);
  if (known) return known;
  const node = parseExpression(source);
  if (parsed.size >= maxParsed) parsed.clear();
  parsed.set(source, node);
  return node;
}

/** Evaluate an expr-lang expression with bounded time and memory. Never throws for what the expression does. */
export function evaluateExpression(source: string, environment: Environment, limits?: BudgetLimits): Evaluation {
  try {
    const node = parse(source);
    checkExpression(node, environment);
    const now = clockOf(environment);
    const bounds = limits ?? (now === undefined ? defaultBudget : { ...defaultBudget, now });
    return { ok: true, value: runExpression(node, environment, bounds) };
  } catch (error) {
    if (error instanceof ExprError) return { ok: false, phase: error.phase, message: describeError(error, source) };
    throw error;
  }
}

/** What is wrong with an expression before it runs: its syntax and, when `names` are given, its names. */
export function checkSource(source: string, names?: Names): string | undefined {
  try {
    const node = parse(source);
    if (names) checkExpression(node, names);
    return undefined;
  } catch (error) {
    if (error instanceof ExprError) return describeError(error, source);
    throw error;
  }
}
