export { argoEnvironment, expandVariables, extendEnvironment } from './argo-functions.ts';
export { parseJson } from './builtins/conversions.ts';
export type { DependencyKind, DependingTask, DependsTerm } from './depends.ts';
export { dependsTerms, expandDepends, resultProblem } from './depends.ts';
export { parseDuration, parseDurationMs } from './duration.ts';
export { evaluateWhen } from './govaluate/evaluate.ts';
export { queryJsonPath } from './jsonpath.ts';
export type { BudgetLimits } from './lang/budget.ts';
export { defaultBudget } from './lang/budget.ts';
export type { Environment } from './lang/evaluate.ts';
export type { ExprPhase } from './lang/failure.ts';
export type { Evaluation } from './program.ts';
export { checkSource, evaluateExpression } from './program.ts';
export type { SprigHost } from './sprig/sprig.ts';
export { freeNames, mentions } from './template/names.ts';
export type { Replacement, ReplaceOptions, TemplateVariables } from './template/replace.ts';
export { replaceTags } from './template/replace.ts';
export { evaluateCondition, resolveTag, unwrapTag } from './template/resolve.ts';
export type { TemplatePiece } from './template/tags.ts';
export { splitTemplate, UnclosedTag } from './template/tags.ts';
export type { HostFunction, Value, ValueMap } from './value.ts';
export {
  declareStrings,
  Duration,
  formatDuration,
  formatValue,
  fromJson,
  Instant,
  isEqual,
  isList,
  isMap,
  isNumber,
  toJsonText,
} from './value.ts';
