import type { KubeObject } from '@sluice/model';
import { ageOf, formatAge } from './age.ts';
import { age, column, count, formatSelector, joined, name, text, wide } from './column.ts';
import type { Column } from './kind.ts';
import { listAt, numberAt, recordAt, textAt, valueAt, plainText } from './object-access.ts';

const podSpec = 'spec.template.spec';

const containers = (path = podSpec): Column =>
  wide('Containers', (object) => joined(listAt(object, `${path}.containers`).map((item) => textAt(item, 'name'))));
const images = (path = podSpec): Column =>
  wide('Images', (object) => joined(listAt(object, `${path}.containers`).map((item) => textAt(item, 'image'))));
const selector = wide('Selector', (object) => formatSelector(valueAt(object, 'spec.selector')));

const replicas = (object: KubeObject): number => {
  const wanted = valueAt(object, 'spec.replicas');
  return typeof wanted === 'number' ? wanted : 1;
};

const replicaSetLike: readonly Column[] = [
  name,
  count('Desired', replicas),
  count('Current', (object) => numberAt(object, 'status.replicas')),
  count('Ready', (object) => numberAt(object, 'status.readyReplicas')),
  age,
  containers(),
  images(),
  selector,
];

const deployment: readonly Column[] = [
  name,
  column('Ready', (object) => `${numberAt(object, 'status.readyReplicas')}/${replicas(object)}`),
  count('Up-to-date', (object) => numberAt(object, 'status.updatedReplicas')),
  count('Available', (object) => numberAt(object, 'status.availableReplicas')),
  age,
  containers(),
  images(),
  selector,
];

const statefulSet: readonly Column[] = [
  name,
  column('Ready', (object) => `${numberAt(object, 'status.readyReplicas')}/${replicas(object)}`),
  age,
  containers(),
  images(),
];

const daemonSet: readonly Column[] = [
  name,
  count('Desired', (object) => numberAt(object, 'status.desiredNumberScheduled')),
  count('Current', (object) => numberAt(object, 'status.currentNumberScheduled')),
  count('Ready', (object) => numberAt(object, 'status.numberReady')),
  count('Up-to-date', (object) => numberAt(object, 'status.updatedNumberScheduled')),
  count('Available', (object) => numberAt(object, 'status.numberAvailable')),
  column('Node Selector', (object) => {
    const labels = recordAt(object, `${podSpec}.nodeSelector`);
    return joined(Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`));
  }),
  age,
  containers(),
  images(),
  selector,
];

function jobStatus(job: KubeObject): string {
  const holds = (type: string) =>
    listAt(job, 'status.conditions').some((item) => textAt(item, 'type') === type && textAt(item, 'status') === 'True');
  if (holds('Complete')) return 'Complete';
  if (holds('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp) return 'Terminating';
  if (holds('Suspended')) return 'Suspended';
  return holds('FailureTarget') ? 'FailureTarget' : holds('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}

const job: readonly Column[] = [
  name,
  column('Status', jobStatus),
  column('Completions', (object) => {
    const wanted = valueAt(object, 'spec.completions');
    const done = numberAt(object, 'status.succeeded');
    if (typeof wanted === 'number') return `${done}/${wanted}`;
    const parallelism = numberAt(object, 'spec.parallelism');
    return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
  }),
  column('Duration', (object, now) => {
    const start = Date.parse(textAt(object, 'status.startTime'));
    if (Number.isNaN(start)) return '';
    const end = Date.parse(textAt(object, 'status.completionTime'));
    return formatAge((Number.isNaN(end) ? now : end) - start);
  }),
  age,
  containers(),
  images(),
  selector,
];

const cronJobPodSpec = 'spec.jobTemplate.spec.template.spec';

const cronJob: readonly Column[] = [
  name,
  column('Schedule', text('spec.schedule')),
  column('Timezone', text('spec.timeZone', '<none>')),
  column('Suspend', (object) => (valueAt(object, 'spec.suspend') === true ? 'True' : 'False')),
  count('Active', (object) => listAt(object, 'status.active').length),
  column('Last Schedule', (object, now) => {
    const last = textAt(object, 'status.lastScheduleTime');
    return last ? ageOf(last, now) : '<none>';
  }),
  age,
  containers(cronJobPodSpec),
  images(cronJobPodSpec),
  wide('Selector', (object) => formatSelector(valueAt(object, 'spec.jobTemplate.spec.selector'))),
];

function metricText(spec: unknown, status: unknown): string {
  const kind = textAt(spec, 'type');
  const field = kind.charAt(0).toLowerCase() + kind.slice(1);
  const target = recordAt(spec, `${field}.target`);
  const current = recordAt(status, `${field}.current`);
  const label = textAt(spec, `${field}.name`) ? `${textAt(spec, `${field}.name`)}: ` : '';
  if (typeof target['averageUtilization'] === 'number') {
    const use = current['averageUtilization'];
    return `${label}${typeof use === 'number' ? `${use}%` : '<unknown>'}/${target['averageUtilization']}%`;
  }
  const key = target['averageValue'] === undefined ? 'value' : 'averageValue';
  return `${label}${plainText(current[key]) || '<unknown>'}/${String(target[key])}`;
}

const hpa: readonly Column[] = [
  name,
  column('Reference', (o) => `${textAt(o, 'spec.scaleTargetRef.kind')}/${textAt(o, 'spec.scaleTargetRef.name')}`),
  column('Targets', (object) => {
    const statuses = listAt(object, 'status.currentMetrics');
    const shown = listAt(object, 'spec.metrics').map((spec, index) => metricText(spec, statuses[index]));
    if (shown.length === 0) return '<none>';
    return shown.length > 2 ? `${shown.slice(0, 2).join(', ')} + ${shown.length - 2} more...` : shown.join(', ');
  }),
  column('MinPods', (object) => plainText(valueAt(object, 'spec.minReplicas')) || '<unset>'),
  count('MaxPods', (object) => numberAt(object, 'spec.maxReplicas')),
  count('Replicas', (object) => numberAt(object, 'status.currentReplicas')),
  age,
];

const bound = (path: string) => (object: KubeObject) => plainText(valueAt(object, path)) || 'N/A';

const pdb: readonly Column[] = [
  name,
  column('Min Available', bound('spec.minAvailable')),
  column('Max Unavailable', bound('spec.maxUnavailable')),
  count('Allowed Disruptions', (object) => numberAt(object, 'status.disruptionsAllowed')),
  age,
];

const controllerOf = (object: KubeObject): string => {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (!owner) return '<none>';
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0] ?? ''}` : '';
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
};

const controllerRevision: readonly Column[] = [
  name,
  column('Controller', controllerOf),
  count('Revision', (object) => numberAt(object, 'revision')),
  age,
];

/** Columns of workloads by `group/version/kind`. */
export const workloadColumns: readonly (readonly [string, readonly Column[]])[] = [
  ['apps/v1/Deployment', deployment],
  ['apps/v1/ReplicaSet', replicaSetLike],
  ['v1/ReplicationController', replicaSetLike],
  ['apps/v1/StatefulSet', statefulSet],
  ['apps/v1/DaemonSet', daemonSet],
  ['apps/v1/ControllerRevision', controllerRevision],
  ['batch/v1/Job', job],
  ['batch/v1/CronJob', cronJob],
  ['autoscaling/v2/HorizontalPodAutoscaler', hpa],
  ['policy/v1/PodDisruptionBudget', pdb],
];
