import { expectJson, expectTrue, type Outcome } from '../suite.ts';
import { names, objectMeta } from './subject.ts';
import { type Player, unknownCase, type Vector } from './vector.ts';

type Check = (value: string) => readonly string[];

const checks: Readonly<Record<string, Check>> = {
  IsConfigMapKey: names.isConfigMapKey,
  IsDNS1035Label: names.isDns1035Label,
  IsDNS1123Label: names.isDns1123Label,
  IsDNS1123Subdomain: names.isDns1123Subdomain,
  IsDNS1123SubdomainWithUnderscore: names.isDns1123SubdomainWithUnderscore,
  IsDomainPrefixedPath: names.isDomainPrefixedPath,
  IsDomainPrefixedKey: names.isDomainPrefixedKey,
  IsFullyQualifiedDomainName: names.isFullyQualifiedDomainName,
  IsFullyQualifiedName: names.isFullyQualifiedName,
  IsHTTPHeaderName: names.isHttpHeaderName,
  IsQualifiedName: names.isQualifiedName,
  IsEnvVarName: names.isEnvVarName,
  IsRelaxedEnvVarName: names.isRelaxedEnvVarName,
  IsValidLabelValue: names.isLabelValue,
  IsValidPercent: names.isPercent,
  IsValidPortName: names.isPortName,
  IsWildcardDNS1123Subdomain: names.isWildcardDns1123Subdomain,
  IsCIdentifier: names.isCIdentifier,
  IsValidIP: names.isIp,
  path: names.isPathSegment,
  pathPrefix: names.isPathSegmentPrefix,
  NameIsDNSSubdomain: names.isDns1123Subdomain,
  NameIsDNSLabel: names.isDns1123Label,
  NameIsDNS1035Label: names.isDns1035Label,
};

const metaChecks: Readonly<Record<string, (value: unknown) => readonly unknown[]>> = {
  labels: (value) => objectMeta.validateLabels(value),
  annotations: (value) => objectMeta.validateAnnotations(value),
  ownerReferences: (value) => objectMeta.validateOwnerReferences(value),
  fieldManager: (value) => objectMeta.validateFieldManager(String(value), 'fieldManager'),
  managedFieldsEntry: (value) => objectMeta.validateManagedFields([value]),
  dryRun: (value) => (value as readonly unknown[]).filter((item) => item !== 'All'),
};

/** Names, labels, metadata. */
export const playNames: Player = (vector): Outcome => {
  if (vector.kind === 'name') return playName(vector, String(vector['validator']));
  if (vector.kind === 'intOrPercent') return playPercent(vector);
  if (vector.kind === 'objectMeta' || vector.kind === 'objectMetaUpdate') return playMeta(vector);
  if (Array.isArray(vector['errors']))
    return sameErrors(metaChecks[vector.kind]?.(vector['value']) ?? [], vector['errors']);
  const check = metaChecks[vector.kind];
  if (check)
    return expectTrue(
      (check(vector['value']).length === 0) === vector['valid'],
      `valid: ${String(vector['valid'])}`,
      check(vector['value']),
    );
  return playName(vector, vector.kind);
};

function playName(vector: Vector, validator: string): Outcome {
  if (validator === 'IsValidPortNum')
    return expectJson(names.isPortNumber(Number(vector['value'])).length === 0, vector['valid']);
  const [base = '', mode] = validator.split('/');
  const check = checks[base];
  if (!check) return unknownCase({ ...vector, kind: validator });
  const problems = (mode === 'generateName' ? names.asPrefix(check) : check)(String(vector['value']));
  return expectTrue(
    (problems.length === 0) === vector['valid'],
    `valid: ${String(vector['valid'])} ${JSON.stringify(vector['messages'] ?? '')}`,
    problems,
  );
}

function playPercent(vector: Vector): Outcome {
  const got = names.scaledValue(vector['value'], Number(vector['total']), vector['roundUp'] === true);
  return vector['error'] === true ? expectTrue(got === undefined, 'an error', got) : expectJson(got, vector['result']);
}

function playMeta(vector: Vector): Outcome {
  const meta = vector['metadata'] as Readonly<Record<string, unknown>>;
  const old = vector['old'] as Readonly<Record<string, unknown>> | undefined;
  const rules = { namespaced: vector['namespaced'] === true, isName: names.isDns1123Subdomain };
  const got = old ? objectMeta.validateObjectMetaUpdate(meta, old) : objectMeta.validateObjectMeta(meta, rules);
  return sameErrors(got, vector['errors'] as readonly unknown[]);
}

/** For errors only the fact and the place count. */
function sameErrors(got: readonly unknown[], wanted: readonly unknown[]): Outcome {
  const key = (item: unknown) => {
    const { reason, type, field } = item as {
      readonly reason?: string;
      readonly type?: string;
      readonly field?: string;
    };
    return `${type ?? reason ?? ''} ${field ?? ''}`;
  };
  return expectJson(got.map(key).toSorted(), wanted.map(key).toSorted());
}
