import { addQuantities, compareQuantities, formatQuantity, parseQuantity, type Quantity } from '@sluice/expr';
import type { KubeObject } from '@sluice/model';
import { forbidden } from '../http/status-error.ts';
import type { KindInfo } from '../kinds/kind.ts';
import { equalJson, isRecord, listAt, recordAt, textAt, valueAt, withField } from '../objects/json.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { storageId } from '../registry/kind-registry.ts';
import { qosClass } from '../strategies/pod.ts';

/** Amounts by the names that quotas use: `pods`, `requests.cpu`, `count/jobs.batch`. */
type Usage = ReadonlyMap<string, Quantity>;

const quotas = 'resourcequotas';
/** Short names of what quotas count, by storage id; everything goes by `count/ID` too. */
const countedNames: Readonly<Record<string, string>> = {
  pods: 'pods',
  services: 'services',
  secrets: 'secrets',
  configmaps: 'configmaps',
  persistentvolumeclaims: 'persistentvolumeclaims',
  replicationcontrollers: 'replicationcontrollers',
  resourcequotas: 'resourcequotas',
};
/** How long changes are collected before the status of a quota is worked out again. */
const settleMs = 20;

const one = quantityOf(1);

/** Holds creations within the quotas of their namespace, and keeps the status of the quotas. */
export class ResourceQuotas {
  readonly #objects: ObjectStore;
  readonly #onError: (error: unknown) => void;
  /** Creations that were let through and are not stored yet. */
  readonly #reserved = new Set<{ readonly namespace: string; readonly object: KubeObject; readonly usage: Usage }>();
  readonly #followed = new Map<string, () => void>();
  readonly #due = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(objects: ObjectStore, onError: (error: unknown) => void) {
    this.#objects = objects;
    this.#onError = onError;
    this.#follow(quotas);
    for (const { object } of objects.collection(quotas).list('')) this.#changed(object.metadata.namespace ?? '');
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const stop of this.#followed.values()) stop();
  }

  /** Whether a namespace has quotas. */
  covers(namespace: string): boolean {
    const collection = this.#objects.collection(quotas);
    return namespace !== '' && collection.size > 0 && collection.list(`${namespace}/`).length > 0;
  }

  /** Set aside what a new object uses, until the returned function is called. Throws 403 when a quota does not allow it. */
  reserve(kind: KindInfo, object: KubeObject): () => void {
    const { namespace = '', name } = object.metadata;
    const usage = usageOf(storageId(kind), object);
    for (const { object: quota } of this.#objects.collection(quotas).list(`${namespace}/`)) {
      if (!isInScope(quota, object)) continue;
      const why = this.#refusal(quota, kind, object, usage);
      if (why !== undefined) throw forbidden(kind, name, why);
    }
    const held = { namespace, object, usage };
    this.#reserved.add(held);
    return () => this.#reserved.delete(held);
  }

  #refusal(quota: KubeObject, kind: KindInfo, object: KubeObject, usage: Usage): string | undefined {
    const hard = Object.entries(recordAt(quota, 'spec', 'hard'));
    const missing =
      kind.plural === 'pods' && kind.group === ''
        ? unspecified(
            hard.map(([name]) => name),
            object,
          )
        : '';
    if (missing !== '') return `failed quota: ${quota.metadata.name}: must specify ${missing}`;
    const over: { readonly name: string; readonly asked: Quantity; readonly used: Quantity; readonly limit: string }[] =
      [];
    for (const [name, limit] of hard) {
      const asked = usage.get(name);
      const most = quantityOf(limit);
      if (!asked || !most) continue;
      const used = this.#used(quota, name);
      if (compareQuantities(addQuantities(used, asked), most) > 0)
        over.push({ name, asked, used, limit: String(limit) });
    }
    if (over.length === 0) return undefined;
    const list = (of: (item: (typeof over)[number]) => string): string =>
      over.map((item) => `${item.name}=${of(item)}`).join(',');
    return (
      `exceeded quota: ${quota.metadata.name}, requested: ${list(({ asked }) => formatQuantity(asked))}, ` +
      `used: ${list(({ used }) => formatQuantity(used))}, limited: ${list(({ limit }) => limit)}`
    );
  }

  /** What is used of one thing, creations under way included. */
  #used(quota: KubeObject, name: string): Quantity {
    const { namespace = '' } = quota.metadata;
    const stored = this.#stored(quota, name);
    const waiting = [...this.#reserved].filter((held) => held.namespace === namespace && isInScope(quota, held.object));
    return waiting.reduce((sum, { usage }) => addQuantities(sum, usage.get(name) ?? zero), stored);
  }

  #stored(quota: KubeObject, name: string): Quantity {
    const id = storageOf(name);
    this.#follow(id);
    const entries = this.#objects.collection(id).list(`${quota.metadata.namespace ?? ''}/`);
    return entries.reduce(
      (sum, { object }) => (isInScope(quota, object) ? addQuantities(sum, usageOf(id, object).get(name) ?? zero) : sum),
      zero,
    );
  }

  /** Work the status out again when objects of a collection change. */
  #follow(id: string): void {
    if (this.#followed.has(id)) return;
    const stop = this.#objects
      .collection(id)
      .listen(({ entry }) => this.#changed(entry.object.metadata.namespace ?? ''));
    this.#followed.set(id, stop);
  }

  #changed(namespace: string): void {
    if (!this.covers(namespace)) return;
    this.#due.add(namespace);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#settle().catch(this.#onError);
    }, settleMs).unref();
  }

  async #settle(): Promise<void> {
    const namespaces = [...this.#due];
    this.#due.clear();
    for (const namespace of namespaces) {
      for (const { key } of this.#objects.collection(quotas).list(`${namespace}/`)) {
        await this.#objects.write(quotas, key, (current) => {
          if (!current) return { type: 'keep' };
          const status = this.#status(current.object);
          return equalJson(current.object.status, status)
            ? { type: 'keep' }
            : { type: 'put', object: withField(current.object, 'status', status) };
        });
      }
    }
  }

  #status(quota: KubeObject): Record<string, unknown> {
    const hard = recordAt(quota, 'spec', 'hard');
    const used = Object.keys(hard).map((name) => [name, formatQuantity(this.#stored(quota, name))]);
    return { hard, used: Object.fromEntries(used) as unknown };
  }
}

function quantityOf(value: unknown): Quantity | undefined {
  const read = parseQuantity(typeof value === 'string' || typeof value === 'number' ? String(value) : '');
  return read.ok ? read.value : undefined;
}

const zero: Quantity = { unscaled: 0n, scale: 0, format: 'DecimalSI' };

/** The storage id of what a name of a quota counts. */
function storageOf(name: string): string {
  if (name.startsWith('count/')) return name.slice('count/'.length);
  if (name.startsWith('services.')) return 'services';
  if (name === 'requests.storage' || name.includes('.storageclass.storage.k8s.io/')) return 'persistentvolumeclaims';
  return Object.entries(countedNames).find(([, short]) => short === name)?.[0] ?? 'pods';
}

/** What one object uses. Pods that have ended use nothing but their count as objects. */
function usageOf(id: string, object: KubeObject): Usage {
  const usage = new Map<string, Quantity>();
  const add = (name: string, amount: Quantity | undefined): void => {
    if (amount) usage.set(name, addQuantities(usage.get(name) ?? zero, amount));
  };
  add(`count/${id}`, one);
  if (id !== 'pods' && countedNames[id] !== undefined) add(countedNames[id], one);
  if (id === 'pods' && !hasEnded(object)) addPod(object, add);
  if (id === 'persistentvolumeclaims')
    add('requests.storage', quantityOf(valueAt(object, 'spec', 'resources', 'requests', 'storage')));
  if (id === 'services') {
    const type = textAt(object, 'spec', 'type');
    if (type === 'LoadBalancer') add('services.loadbalancers', one);
    if (type === 'NodePort' || type === 'LoadBalancer') {
      for (const _ of listAt(object, 'spec', 'ports')) add('services.nodeports', one);
    }
  }
  return usage;
}

type Add = (name: string, amount: Quantity | undefined) => void;

function addPod(pod: KubeObject, add: Add): void {
  add('pods', one);
  for (const container of listAt(pod, 'spec', 'containers')) {
    for (const [name, amount] of Object.entries(recordAt(container, 'resources', 'requests'))) {
      add(`requests.${name}`, quantityOf(amount));
      if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage') add(name, quantityOf(amount));
    }
    for (const [name, amount] of Object.entries(recordAt(container, 'resources', 'limits')))
      add(`limits.${name}`, quantityOf(amount));
  }
}

function hasEnded(pod: KubeObject): boolean {
  return ['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'));
}

/** Amounts of CPU and memory that a quota counts and a container leaves open. */
function unspecified(names: readonly string[], pod: KubeObject): string {
  const containers = listAt(pod, 'spec', 'containers').filter(isRecord);
  const parts = names.flatMap((name) => {
    const [, kind = 'requests', resource] = /^(?:(requests|limits)\.)?(cpu|memory)$/u.exec(name) ?? [];
    if (resource === undefined) return [];
    const open = containers.filter((one) => valueAt(one, 'resources', kind, resource) === undefined);
    return open.length === 0 ? [] : [`${name} for: ${open.map((one) => textAt(one, 'name')).join(',')}`];
  });
  return parts.toSorted().join('; ');
}

/** Whether a quota with scopes counts the object. Scopes are about pods. */
function isInScope(quota: KubeObject, object: KubeObject): boolean {
  const selected = listAt(quota, 'spec', 'scopeSelector', 'matchExpressions').filter(isRecord);
  const scopes = listAt(quota, 'spec', 'scopes').map((scope) => ({ scopeName: scope, operator: 'Exists', values: [] }));
  const rules = [...scopes, ...selected];
  if (rules.length === 0) return true;
  if (object.kind !== 'Pod') return false;
  return rules.every((rule) => matchesScope(rule, object));
}

function matchesScope(rule: Readonly<Record<string, unknown>>, pod: KubeObject): boolean {
  const isBestEffort = qosClass(pod) === 'BestEffort';
  const isTerminating = valueAt(pod, 'spec', 'activeDeadlineSeconds') !== undefined;
  switch (rule['scopeName']) {
    case 'BestEffort':
      return isBestEffort;
    case 'NotBestEffort':
      return !isBestEffort;
    case 'Terminating':
      return isTerminating;
    case 'NotTerminating':
      return !isTerminating;
    case 'PriorityClass': {
      const name = textAt(pod, 'spec', 'priorityClassName');
      const isListed = listAt(rule, 'values').includes(name);
      if (rule['operator'] === 'In') return isListed;
      if (rule['operator'] === 'NotIn') return !isListed;
      return (rule['operator'] === 'Exists') === (name !== '');
    }
    default:
      return true;
  }
}
