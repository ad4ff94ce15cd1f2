import type { KubeObject } from '@sluice/model';
import { forbidden } from '../http/status-error.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { isRecord, type JsonRecord, listAt, recordAt, textAt, withField } from '../objects/json.ts';
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, type Quantity } from '@sluice/expr';

const pods = { group: '', plural: 'pods', kind: 'Pod' };

/** A new pod with the requests and limits that the LimitRanges of its namespace give. Throws 403 for what they forbid. */
export function withinLimits(objects: ObjectStore, pod: KubeObject): KubeObject {
  const ranges = objects.collection('limitranges').list(`${pod.metadata.namespace ?? ''}/`);
  if (ranges.length === 0) return pod;
  const items = ranges.flatMap(({ object }) => listAt(object, 'spec', 'limits')).filter(isRecord);
  const ofContainers = items.filter((item) => textAt(item, 'type') === 'Container');
  const spec = recordAt(pod, 'spec');
  const complete = (name: string) => {
    const list = listAt(spec, name);
    return list.length === 0 ? {} : { [name]: list.map((one) => (isRecord(one) ? completed(one, ofContainers) : one)) };
  };
  const filled = withField(pod, 'spec', { ...spec, ...complete('initContainers'), ...complete('containers') });
  const problems = [
    ...containersOf(filled).flatMap((container) =>
      ofContainers.flatMap((item) => problemsOf(item, 'Container', recordAt(container, 'resources'))),
    ),
    ...items
      .filter((item) => textAt(item, 'type') === 'Pod')
      .flatMap((item) => problemsOf(item, 'Pod', totalOf(filled))),
  ];
  if (problems.length === 0) return filled;
  throw forbidden(pods, pod.metadata.name, problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`);
}

function containersOf(pod: KubeObject): readonly JsonRecord[] {
  return [...listAt(pod, 'spec', 'containers'), ...listAt(pod, 'spec', 'initContainers')].filter(isRecord);
}

/** The container with default limits and requests; a limit without a request is a request too. */
function completed(container: JsonRecord, items: readonly JsonRecord[]): JsonRecord {
  const resources = recordAt(container, 'resources');
  const limits = { ...recordAt(resources, 'limits') };
  const requests = { ...recordAt(resources, 'requests') };
  for (const [name, amount] of Object.entries(limits)) requests[name] ??= amount;
  for (const item of items) {
    for (const [name, amount] of Object.entries(recordAt(item, 'default'))) limits[name] ??= amount;
    for (const [name, amount] of Object.entries(recordAt(item, 'defaultRequest'))) requests[name] ??= amount;
    for (const [name, amount] of Object.entries(recordAt(item, 'default'))) requests[name] ??= amount;
  }
  const some = (name: string, values: JsonRecord) => (Object.keys(values).length > 0 ? { [name]: values } : {});
  return { ...container, resources: { ...resources, ...some('limits', limits), ...some('requests', requests) } };
}

/** What the containers of a pod ask for together. */
function totalOf(pod: KubeObject): JsonRecord {
  const total = (kind: string): JsonRecord => {
    const sums = new Map<string, Quantity>();
    for (const container of listAt(pod, 'spec', 'containers')) {
      for (const [name, amount] of Object.entries(recordAt(container, 'resources', kind))) {
        const [before, own] = [sums.get(name), quantityOf(amount)];
        if (own) sums.set(name, before ? addQuantities(before, own) : own);
      }
    }
    return Object.fromEntries([...sums].map(([name, quantity]) => [name, formatQuantity(quantity)]));
  };
  return { limits: total('limits'), requests: total('requests') };
}

function quantityOf(value: unknown): Quantity | undefined {
  const read = parseQuantity(typeof value === 'string' || typeof value === 'number' ? String(value) : '');
  return read.ok ? read.value : undefined;
}

function problemsOf(item: JsonRecord, per: string, resources: JsonRecord): readonly string[] {
  const out: string[] = [];
  const limits = recordAt(resources, 'limits');
  const requests = recordAt(resources, 'requests');
  for (const [name, bound] of Object.entries(recordAt(item, 'min'))) {
    const [least, request] = [quantityOf(bound), quantityOf(requests[name])];
    const text = `minimum ${name} usage per ${per} is ${String(bound)}`;
    if (!least) continue;
    if (!request) out.push(`${text}.  No request is specified`);
    else if (compareQuantities(request, least) < 0) out.push(`${text}, but request is ${String(requests[name])}`);
  }
  for (const [name, bound] of Object.entries(recordAt(item, 'max'))) {
    const [most, limit, request] = [quantityOf(bound), quantityOf(limits[name]), quantityOf(requests[name])];
    const text = `maximum ${name} usage per ${per} is ${String(bound)}`;
    if (!most) continue;
    if (!limit) out.push(`${text}.  No limit is specified`);
    else if (compareQuantities(limit, most) > 0) out.push(`${text}, but limit is ${String(limits[name])}`);
    else if (request && compareQuantities(request, most) > 0)
      out.push(`${text}, but request is ${String(requests[name])}`);
  }
  return out;
}
