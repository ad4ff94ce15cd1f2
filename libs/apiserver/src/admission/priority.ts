import type { KubeObject } from '@sluice/model';
import { forbidden } from '../http/status-error.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { recordAt, textAt, valueAt, withField } from '../objects/json.ts';

const pods = { group: '', plural: 'pods', kind: 'Pod' };
const classes = 'priorityclasses.scheduling.k8s.io';

/** Classes that every cluster has, stored or not. */
const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

/** A new pod with the priority of its class, or of the class that is the default. Throws 403 for a class that does not exist. */
export function withPriority(objects: ObjectStore, pod: KubeObject): KubeObject {
  const spec = recordAt(pod, 'spec');
  const name = textAt(spec, 'priorityClassName');
  const found = name === '' ? defaultClass(objects) : objects.collection(classes).get(name)?.object;
  const value = found ? valueAt(found, 'value') : systemClasses[name];
  if (name !== '' && value === undefined)
    throw forbidden(pods, pod.metadata.name, `no PriorityClass with name ${name} was found`);
  const given = spec['priority'];
  const priority = typeof value === 'number' ? value : 0;
  if (given !== undefined && given !== priority) {
    const why = `the integer value of priority (${JSON.stringify(given)}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`;
    throw forbidden(pods, pod.metadata.name, why);
  }
  if (!found && name === '') return pod;
  const preemptionPolicy = textAt(found, 'preemptionPolicy') || 'PreemptLowerPriority';
  const priorityClassName = name || (found?.metadata.name ?? '');
  return withField(pod, 'spec', { preemptionPolicy, ...spec, priorityClassName, priority });
}

function defaultClass(objects: ObjectStore): KubeObject | undefined {
  const defaults = objects
    .collection(classes)
    .list('')
    .map(({ object }) => object)
    .filter((object) => valueAt(object, 'globalDefault') === true);
  return defaults.toSorted((a, b) => Number(valueAt(a, 'value')) - Number(valueAt(b, 'value')))[0];
}
