import type { KubeObject } from '@sluice/model';
import type { Cause } from '../kinds/kind.ts';
import { isRecord, listAt, recordAt, textAt, valueAt, plainText } from '../kinds/object-access.ts';
import { labelSelectorOf, matchesLabels } from '../selector/label-selector.ts';
import { duplicate, forbidden, invalid, notSupported, required, shown } from './cause.ts';
import {
  isConfigMapKey,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isPathSegment,
  type NameCheck,
} from '@sluice/expr';

const nameRules: Readonly<Record<string, NameCheck>> = {
  'v1/Namespace': isDns1123Label,
  'v1/Service': isDns1035Label,
  'apps/v1/StatefulSet': isDns1123Subdomain,
  'rbac.authorization.k8s.io/v1/Role': isPathSegment,
  'rbac.authorization.k8s.io/v1/ClusterRole': isPathSegment,
  'rbac.authorization.k8s.io/v1/RoleBinding': isPathSegment,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': isPathSegment,
};

/** How objects of a kind may be called. */
export function nameRuleOf(key: string): NameCheck {
  return nameRules[key] ?? isDns1123Subdomain;
}

/** Checks of one kind that types cannot say. `old` is the stored object of an update. */
export type Rule = (object: KubeObject, old: KubeObject | undefined) => readonly Cause[];

const unchanged =
  (...paths: readonly string[]): Rule =>
  (object, old) =>
    old === undefined
      ? []
      : paths
          .filter((path) => shown(valueAt(object, path)) !== shown(valueAt(old, path)))
          .map((path) => invalid(path, valueAt(object, path) ?? null, 'field is immutable'));

const oneOf =
  (path: string, ...allowed: readonly string[]): Rule =>
  (object) => {
    const value = valueAt(object, path);
    return value === undefined || allowed.includes(plainText(value))
      ? []
      : [notSupported(path, value, allowed.toSorted())];
  };

const all =
  (...rules: readonly Rule[]): Rule =>
  (object, old) =>
    rules.flatMap((rule) => rule(object, old));

function podSpecCauses(spec: unknown, path: string): readonly Cause[] {
  if (!isRecord(spec)) return [];
  const volumes = listAt(spec, 'volumes').map((volume) => textAt(volume, 'name'));
  const causes = uniqueNames(volumes, `${path}.volumes`);
  const seen: string[] = [];
  for (const list of ['initContainers', 'containers']) {
    for (const [index, container] of listAt(spec, list).entries()) {
      causes.push(...containerCauses(container, `${path}.${list}[${index}]`, volumes));
      const name = textAt(container, 'name');
      if (seen.includes(name)) causes.push(duplicate(`${path}.${list}[${index}].name`, name));
      seen.push(name);
    }
  }
  const policy = textAt(spec, 'restartPolicy');
  if (policy && !['Always', 'OnFailure', 'Never'].includes(policy)) {
    causes.push(notSupported(`${path}.restartPolicy`, policy, ['Always', 'OnFailure', 'Never']));
  }
  return causes;
}

function uniqueNames(names: readonly string[], path: string): Cause[] {
  const causes: Cause[] = [];
  for (const [index, name] of names.entries()) {
    causes.push(...isDns1123Label(name).map((problem) => invalid(`${path}[${index}].name`, name, problem)));
    if (names.indexOf(name) < index) causes.push(duplicate(`${path}[${index}].name`, name));
  }
  return causes;
}

function containerCauses(container: unknown, path: string, volumes: readonly string[]): Cause[] {
  const name = textAt(container, 'name');
  const causes = name === '' ? [] : isDns1123Label(name).map((problem) => invalid(`${path}.name`, name, problem));
  if (textAt(container, 'image') === '') causes.push(required(`${path}.image`));
  const mounts = new Set<string>();
  for (const [index, mount] of listAt(container, 'volumeMounts').entries()) {
    const volume = textAt(mount, 'name');
    const mountPath = textAt(mount, 'mountPath');
    if (volume !== '' && !volumes.includes(volume))
      causes.push({
        reason: 'FieldValueNotFound',
        field: `${path}.volumeMounts[${index}].name`,
        message: `Not found: ${shown(volume)}`,
      });
    if (mounts.has(mountPath))
      causes.push(invalid(`${path}.volumeMounts[${index}].mountPath`, mountPath, 'must be unique'));
    mounts.add(mountPath);
  }
  for (const [index, port] of listAt(container, 'ports').entries()) {
    const number = valueAt(port, 'containerPort');
    if (typeof number === 'number' && (number < 1 || number > 65_535))
      causes.push(invalid(`${path}.ports[${index}].containerPort`, number, 'must be between 1 and 65535, inclusive'));
  }
  return causes;
}

const templateOf =
  (path: string): Rule =>
  (object) =>
    podSpecCauses(valueAt(object, `${path}.spec`), `${path}.spec`);

/** The pods made from the template must be those that the selector picks. */
const selectsTemplate: Rule = (object) => {
  const selector = labelSelectorOf(valueAt(object, 'spec.selector') ?? null);
  if (!selector.ok)
    return [invalid('spec.selector', valueAt(object, 'spec.selector'), selector.problems[0]?.message ?? '')];
  if (selector.value === 'nothing') return [];
  if (selector.value.length === 0)
    return [invalid('spec.selector', valueAt(object, 'spec.selector'), 'empty selector is invalid for deployment')];
  const labels = recordAt(object, 'spec.template.metadata.labels') as Readonly<Record<string, string>>;
  const message = '`selector` does not match template `labels`';
  return matchesLabels(selector.value, labels) ? [] : [invalid('spec.template.metadata.labels', labels, message)];
};

const restartsAlways = oneOf('spec.template.spec.restartPolicy', 'Always');
const atLeastZero =
  (...paths: readonly string[]): Rule =>
  (object) =>
    paths
      .filter((path) => Number(valueAt(object, path) ?? 0) < 0)
      .map((path) => invalid(path, valueAt(object, path), 'must be greater than or equal to 0'));

const workload = all(
  selectsTemplate,
  templateOf('spec.template'),
  restartsAlways,
  atLeastZero('spec.replicas', 'spec.minReadySeconds'),
  unchanged('spec.selector'),
);

const dataKeys =
  (...fields: readonly string[]): Rule =>
  (object) =>
    fields.flatMap((field) =>
      Object.keys(recordAt(object, field)).flatMap((key) =>
        isConfigMapKey(key).map((problem) => invalid(`${field}[${key}]`, key, problem)),
      ),
    );

const frozen =
  (...fields: readonly string[]): Rule =>
  (object, old) => {
    if (old === undefined || valueAt(old, 'immutable') !== true) return [];
    const causes = fields
      .filter((field) => shown(valueAt(object, field)) !== shown(valueAt(old, field)))
      .map((field) => forbidden(field, 'field is immutable when `immutable` is set'));
    return valueAt(object, 'immutable') === true
      ? causes
      : [...causes, forbidden('immutable', 'field is immutable when `immutable` is set')];
  };

/** Of a pod's spec only these may change. */
const mutablePodFields = [
  'activeDeadlineSeconds',
  'terminationGracePeriodSeconds',
  'tolerations',
  'ephemeralContainers',
  'schedulingGates',
  'nodeName',
];

const podUpdate: Rule = (object, old) => {
  if (old === undefined) return [];
  const fixed = (pod: KubeObject) => {
    const spec = { ...recordAt(pod, 'spec') };
    for (const name of mutablePodFields) delete spec[name];
    for (const list of ['containers', 'initContainers']) {
      spec[list] = listAt(spec, list).map((container) => ({ ...(isRecord(container) ? container : {}), image: '' }));
    }
    return shown(spec);
  };
  const causes =
    fixed(object) === fixed(old)
      ? []
      : [
          forbidden(
            'spec',
            'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
          ),
        ];
  const bound = textAt(old, 'spec.nodeName');
  return bound && bound !== textAt(object, 'spec.nodeName')
    ? [...causes, forbidden('spec.nodeName', 'a bound pod cannot move')]
    : causes;
};

const servicePorts: Rule = (object) => {
  const ports = listAt(object, 'spec.ports');
  const type = textAt(object, 'spec.type');
  if (ports.length === 0 && type !== 'ExternalName' && textAt(object, 'spec.clusterIP') !== 'None')
    return [required('spec.ports')];
  const names = ports.map((port) => textAt(port, 'name'));
  return ports.flatMap((port, index) => {
    const causes: Cause[] = [];
    const number = Number(valueAt(port, 'port') ?? 0);
    if (number < 1 || number > 65_535)
      causes.push(invalid(`spec.ports[${index}].port`, number, 'must be between 1 and 65535, inclusive'));
    if (ports.length > 1 && names[index] === '') causes.push(required(`spec.ports[${index}].name`));
    if (names[index] !== '' && names.indexOf(names[index] ?? '') < index)
      causes.push(duplicate(`spec.ports[${index}].name`, names[index]));
    return causes;
  });
};

const service = all(
  servicePorts,
  oneOf('spec.type', 'ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'),
  (object, old) => {
    const before = old ? textAt(old, 'spec.clusterIP') : '';
    const external = textAt(object, 'spec.type') === 'ExternalName';
    if (before === '' || external || before === textAt(object, 'spec.clusterIP')) return [];
    return [invalid('spec.clusterIPs[0]', [textAt(object, 'spec.clusterIP')], 'may not change once set')];
  },
);

const cronSchedule: Rule = (object) =>
  textAt(object, 'spec.schedule').trim() === '' ? [required('spec.schedule')] : [];

/** Rules of built-in kinds by `group version/kind`. */
export const builtinRules: Readonly<Record<string, Rule>> = {
  'v1/Pod': all((object) => podSpecCauses(valueAt(object, 'spec'), 'spec'), podUpdate),
  'v1/Service': service,
  'v1/ConfigMap': all(dataKeys('data', 'binaryData'), frozen('data', 'binaryData')),
  'v1/Secret': all(dataKeys('data', 'stringData'), frozen('data'), unchanged('type')),
  'apps/v1/Deployment': all(workload, oneOf('spec.strategy.type', 'Recreate', 'RollingUpdate')),
  'apps/v1/ReplicaSet': workload,
  'apps/v1/DaemonSet': workload,
  'apps/v1/StatefulSet': all(workload, unchanged('spec.serviceName', 'spec.podManagementPolicy')),
  'batch/v1/Job': all(
    templateOf('spec.template'),
    oneOf('spec.template.spec.restartPolicy', 'Never', 'OnFailure'),
    atLeastZero('spec.parallelism', 'spec.completions', 'spec.backoffLimit'),
    unchanged('spec.selector', 'spec.completionMode', 'spec.template.spec'),
  ),
  'batch/v1/CronJob': all(
    cronSchedule,
    templateOf('spec.jobTemplate.spec.template'),
    oneOf('spec.concurrencyPolicy', 'Allow', 'Forbid', 'Replace'),
    oneOf('spec.jobTemplate.spec.template.spec.restartPolicy', 'Never', 'OnFailure'),
  ),
  'rbac.authorization.k8s.io/v1/RoleBinding': unchanged('roleRef'),
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': unchanged('roleRef'),
  'scheduling.k8s.io/v1/PriorityClass': unchanged('value', 'preemptionPolicy'),
  'storage.k8s.io/v1/StorageClass': unchanged('provisioner', 'parameters', 'reclaimPolicy'),
};
