export { argoEnvironment, expandVariables, extendEnvironment } from './argo-functions.ts';
export { parseJson } from './builtins/conversions.ts';
export { CelCompileError, CelCostError, CelError, meterOf as celMeter } from './cel/cel-error.ts';
export type { CelType } from './cel/cel-type.ts';
export {
  describeType as describeCelType,
  listOf as celListOf,
  mapOf as celMapOf,
  optionalOf as celOptionalOf,
  types as celTypes,
} from './cel/cel-type.ts';
export { celFromJson } from './cel/from-json.ts';
export type { CelProgram } from './cel/program.ts';
export { compileCel } from './cel/program.ts';
export { parseDuration as parseCelDuration, parseTimestamp as parseCelTimestamp } from './cel/time.ts';
export { CelMapList, CelObject, CelOptional, CelSet, CelTypeValue, CelUint, isSameCel } from './cel/value.ts';
export type { DependencyKind, DependingTask, DependsTerm } from './depends.ts';
export { dependsTerms, expandDepends, resultProblem } from './depends.ts';
export { parseDuration, parseDurationMs } from './duration.ts';
export { evaluateWhen } from './govaluate/evaluate.ts';
export { queryJsonPath } from './jsonpath.ts';
export { formats } from './kubernetes/formats.ts';
export type { NameCheck } from './kubernetes/names.ts';
export {
  asPrefix,
  isCIdentifier,
  isConfigMapKey,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isDns1123SubdomainWithUnderscore,
  isDomainPrefixedKey,
  isDomainPrefixedPath,
  isEnvVarName,
  isFullyQualifiedDomainName,
  isFullyQualifiedName,
  isHttpHeaderName,
  isIp,
  isIpv4,
  isIpv6,
  isLabelValue,
  isPathSegment,
  isPathSegmentPrefix,
  isPercent,
  isPortName,
  isPortNumber,
  isQualifiedName,
  isRelaxedEnvVarName,
  isWildcardDns1123Subdomain,
  scaledValue,
} from './kubernetes/names.ts';
export { compilePattern, compileRegex } from './kubernetes/pattern.ts';
export type { Quantity, QuantityFormat } from './kubernetes/quantity.ts';
export {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityMilliValue,
  quantityNumber,
  quantityValue,
  roundedUp,
  subtractQuantities,
} from './kubernetes/quantity.ts';
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
