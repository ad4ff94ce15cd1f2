import type { KubeObject } from '@sluice/model';
import type { Cause } from '../kinds/kind.ts';
import { isRecord, listAt, textAt, valueAt } from '../kinds/object-access.ts';
import { forbidden, invalid, notSupported, required, shown } from './cause.ts';
import { validateRules } from './cel-rules.ts';
import { isDns1035Label, isDns1123Subdomain } from '@sluice/expr';
import { rootTypeOf } from './open-api-type.ts';
import { validateSchemaKeywords, validateStructural } from './structural-schema.ts';

/** Every reason why a CustomResourceDefinition, its defaults filled in, may not be created. Metadata is checked elsewhere, but for the name. */
export function validateDefinition(crd: KubeObject): readonly Cause[] {
  const group = textAt(crd, 'spec.group');
  const wanted = `${textAt(crd, 'spec.names.plural')}.${group}`;
  const { name } = crd.metadata;
  const versions = listAt(crd, 'spec.versions');
  return [
    ...(name && name !== wanted ? [invalid('metadata.name', name, `must be spec.names.plural+"."+spec.group`)] : []),
    ...groupCauses(group),
    ...nameCauses(valueAt(crd, 'spec.names')),
    ...scopeCauses(textAt(crd, 'spec.scope')),
    ...versionCauses(versions),
    ...conversionCauses(valueAt(crd, 'spec.conversion')),
    ...partCauses(versions),
    ...versions.flatMap((version, index) => ruleCauses(version, `spec.versions[${index}].schema.openAPIV3Schema`)),
    ...(versions.length === 0 ? [invalid('status.storedVersions', [], 'must have at least one stored version')] : []),
  ];
}

/** Rules that cannot be compiled. */
function ruleCauses(version: unknown, path: string): readonly Cause[] {
  const schema = valueAt(version, 'schema.openAPIV3Schema');
  return isRecord(schema) ? validateRules(rootTypeOf(schema), path) : [];
}

function groupCauses(group: string): readonly Cause[] {
  if (group === '') return [required('spec.group')];
  const bad = isDns1123Subdomain(group);
  if (bad.length > 0) return bad.map((problem) => invalid('spec.group', group, problem));
  return group.includes('.') ? [] : [invalid('spec.group', group, 'should be a domain with at least one dot')];
}

function nameCauses(names: unknown): readonly Cause[] {
  const causes: Cause[] = [];
  const check = (field: string, text: string) => {
    if (text === '') causes.push(required(`spec.names.${field}`));
    else
      causes.push(
        ...isDns1035Label(text.toLowerCase()).map((problem) => invalid(`spec.names.${field}`, text, problem)),
      );
  };
  for (const field of ['plural', 'singular', 'kind', 'listKind']) check(field, textAt(names, field));
  for (const field of ['plural', 'singular']) {
    const text = textAt(names, field);
    if (text !== text.toLowerCase()) causes.push(invalid(`spec.names.${field}`, text, 'must be lower case'));
  }
  for (const list of ['shortNames', 'categories']) {
    for (const [index, text] of listAt(names, list).map(String).entries()) {
      causes.push(...isDns1035Label(text).map((problem) => invalid(`spec.names.${list}[${index}]`, text, problem)));
    }
  }
  const kind = textAt(names, 'kind');
  if (kind !== '' && kind === textAt(names, 'listKind'))
    causes.push(invalid('spec.names.listKind', kind, 'kind and listKind may not be the same'));
  return causes;
}

function scopeCauses(scope: string): readonly Cause[] {
  if (scope === '') return [required('spec.scope')];
  return scope === 'Namespaced' || scope === 'Cluster'
    ? []
    : [notSupported('spec.scope', scope, ['Cluster', 'Namespaced'])];
}

function versionCauses(versions: readonly unknown[]): readonly Cause[] {
  const causes: Cause[] = [];
  const seen = new Set<string>();
  for (const [index, version] of versions.entries()) {
    const at = `spec.versions[${index}]`;
    const name = textAt(version, 'name');
    const bad = isDns1035Label(name);
    causes.push(...bad.map((problem) => invalid(`${at}.name`, name, problem)));
    if (index === 0) causes.push(...bad.map((problem) => invalid('spec.version', name, problem)));
    if (seen.has(name)) causes.push(invalid(`${at}.name`, name, 'must be unique'));
    seen.add(name);
    if (textAt(version, 'deprecationWarning') !== '' && valueAt(version, 'deprecated') !== true) {
      causes.push(
        invalid(
          `${at}.deprecationWarning`,
          textAt(version, 'deprecationWarning'),
          'can only be set for deprecated versions',
        ),
      );
    }
    if (!isRecord(valueAt(version, 'schema.openAPIV3Schema')))
      causes.push(required(`${at}.schema.openAPIV3Schema`, 'schemas are required'));
  }
  if (versions.filter((version) => valueAt(version, 'storage') === true).length !== 1) {
    causes.push(
      invalid(
        'spec.versions',
        versions.map((version) => textAt(version, 'name')),
        'must have exactly one version marked as storage version',
      ),
    );
  }
  return causes;
}

function conversionCauses(conversion: unknown): readonly Cause[] {
  if (!isRecord(conversion)) return [];
  const strategy = textAt(conversion, 'strategy');
  const at = 'spec.conversion';
  const reviews = listAt(conversion, 'webhook.conversionReviewVersions');
  const client = valueAt(conversion, 'webhook.clientConfig');
  if (strategy === 'None') {
    return [
      ...(reviews.length > 0
        ? [forbidden(`${at}.conversionReviewVersions`, 'should not be set when strategy is not set to Webhook')]
        : []),
      ...(isRecord(client)
        ? [forbidden(`${at}.webhookClientConfig`, 'should not be set when strategy is not set to Webhook')]
        : []),
    ];
  }
  if (strategy !== 'Webhook')
    return [
      strategy === '' ? required(`${at}.strategy`) : notSupported(`${at}.strategy`, strategy, ['None', 'Webhook']),
    ];
  const hasClient = isRecord(client) && (client['url'] === undefined) !== (client['service'] === undefined);
  return [
    ...(hasClient ? [] : [required(`${at}.webhookClientConfig`, 'exactly one of url or service is required')]),
    ...(reviews.length > 0 ? [] : [required(`${at}.conversionReviewVersions`)]),
  ];
}

const parts = ['schema', 'subresources', 'additionalPrinterColumns'] as const;

/** Schemas, subresources and columns. Kubernetes names them above the versions when all versions have the same. */
function partCauses(versions: readonly unknown[]): readonly Cause[] {
  const shared = parts.every((part) => new Set(versions.map((version) => shown(valueAt(version, part)))).size <= 1);
  if (shared && versions.length > 0) {
    return [
      ...schemaCauses(versions[0], 'spec.validation'),
      ...subresourceCauses(versions[0], 'spec'),
      ...columnCauses(versions[0], 'spec'),
    ];
  }
  return versions.flatMap((version, index) => {
    const at = `spec.versions[${index}]`;
    return [...schemaCauses(version, `${at}.schema`), ...subresourceCauses(version, at), ...columnCauses(version, at)];
  });
}

function schemaCauses(version: unknown, at: string): readonly Cause[] {
  const schema = valueAt(version, 'schema.openAPIV3Schema');
  if (!isRecord(schema)) return [];
  const path = `${at}.openAPIV3Schema`;
  const keywords = validateSchemaKeywords(schema, path);
  const taken = new Set(keywords.map((cause) => `${cause.reason} ${cause.field}`));
  const structural = validateStructural(schema, path).filter(
    (cause) => schema['properties'] !== undefined || !taken.has(`${cause.reason} ${cause.field}`),
  );
  return [...structural, ...keywords, ...metaTypeCauses(schema, path)];
}

/** apiVersion, kind and metadata have their own types. */
function metaTypeCauses(schema: Readonly<Record<string, unknown>>, path: string): readonly Cause[] {
  return [
    ['apiVersion', 'string'],
    ['kind', 'string'],
    ['metadata', 'object'],
  ].flatMap(([name = '', type = '']) => {
    const declared = valueAt(schema, `properties.${name}.type`);
    return declared === undefined || declared === type
      ? []
      : [invalid(`${path}.properties[${name}].type`, declared, `must be ${type}`)];
  });
}

const simplePath = /^(\.[A-Za-z0-9_-]+)+$/u;

function subresourceCauses(version: unknown, at: string): readonly Cause[] {
  const scale = valueAt(version, 'subresources.scale');
  if (!isRecord(scale)) return [];
  return (
    [
      ['specReplicasPath', '.spec.'],
      ['statusReplicasPath', '.status.'],
      ['labelSelectorPath', ''],
    ] as const
  ).flatMap(([name, prefix]) => {
    const path = textAt(scale, name);
    const field = `${at}.subresources.scale.${name}`;
    if (path === '') return name === 'labelSelectorPath' ? [] : [required(field)];
    const fits = simplePath.test(path) && (prefix === '' ? /^\.(spec|status)\./u.test(path) : path.startsWith(prefix));
    return fits ? [] : [invalid(field, path, `should be a json path under ${prefix || '.spec or .status'}`)];
  });
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];

function columnCauses(version: unknown, at: string): readonly Cause[] {
  return listAt(version, 'additionalPrinterColumns').flatMap((column, index) => {
    const place = `${at}.additionalPrinterColumns[${index}]`;
    const path = textAt(column, 'jsonPath');
    const type = textAt(column, 'type');
    return [
      ...(textAt(column, 'name') === '' ? [required(`${place}.name`)] : []),
      ...(type === ''
        ? [required(`${place}.type`)]
        : columnTypes.includes(type)
          ? []
          : [notSupported(`${place}.type`, type, columnTypes)]),
      ...(path === ''
        ? [required(`${place}.JSONPath`)]
        : /^[.[]/u.test(path)
          ? []
          : [invalid(`${place}.JSONPath`, path, 'must be a simple json path starting with .')]),
    ];
  });
}
