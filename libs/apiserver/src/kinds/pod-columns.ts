import type { KubeObject } from '@sluice/model';
import { ageOf } from './age.ts';
import { age, column, name, wide } from './column.ts';
import type { Column } from './kind.ts';
import { isRecord, listAt, numberAt, recordAt, textAt, valueAt } from './object-access.ts';

/** `2`, or `2 (5m ago)` when a container has ended before. */
type Restarts = { readonly count: number; readonly last: number };

/** Columns of pods. */
export const podColumns: readonly Column[] = [
  name,
  column('Ready', (pod) => {
    const statuses = listAt(pod, 'status.containerStatuses');
    const running = statuses.filter((status) => valueAt(status, 'ready') === true && valueAt(status, 'state.running'));
    const sidecars = sidecarStatuses(pod);
    const ready = running.length + sidecars.filter((status) => valueAt(status, 'ready') === true).length;
    return `${ready}/${listAt(pod, 'spec.containers').length + sidecars.length}`;
  }),
  column('Status', (pod) => podReason(pod)),
  column('Restarts', (pod, now) => {
    const { count, last } = restartsOf(pod);
    return count > 0 && last > 0 ? `${count} (${ageOf(new Date(last).toISOString(), now)} ago)` : `${count}`;
  }),
  age,
  wide('IP', (pod) => textAt(pod, 'status.podIP') || '<none>'),
  wide('Node', (pod) => textAt(pod, 'spec.nodeName') || '<none>'),
  wide('Nominated Node', (pod) => textAt(pod, 'status.nominatedNodeName') || '<none>'),
  wide('Readiness Gates', (pod) => {
    const gates = listAt(pod, 'spec.readinessGates');
    const met = gates.filter((gate) => conditionIs(pod, textAt(gate, 'conditionType'), 'True'));
    return gates.length === 0 ? '<none>' : `${met.length}/${gates.length}`;
  }),
];

function sidecarNames(pod: KubeObject): ReadonlySet<string> {
  const sidecars = listAt(pod, 'spec.initContainers').filter((item) => textAt(item, 'restartPolicy') === 'Always');
  return new Set(sidecars.map((item) => textAt(item, 'name')));
}

function sidecarStatuses(pod: KubeObject): readonly unknown[] {
  const names = sidecarNames(pod);
  const statuses = listAt(pod, 'status.initContainerStatuses').filter((status) => names.has(textAt(status, 'name')));
  const seen = new Set(statuses.map((status) => textAt(status, 'name')));
  return [...statuses, ...[...names].filter((item) => !seen.has(item)).map((item) => ({ name: item }))];
}

function restartsOf(pod: KubeObject): Restarts {
  const own = listAt(pod, 'status.containerStatuses');
  const all =
    initState(pod) === undefined ? [...own, ...sidecarStatuses(pod)] : listAt(pod, 'status.initContainerStatuses');
  let total = 0;
  let last = 0;
  for (const status of all) {
    total += numberAt(status, 'restartCount');
    const finished = Date.parse(textAt(status, 'lastState.terminated.finishedAt'));
    if (finished > last) last = finished;
  }
  return { count: total, last };
}

/** What kubectl shows as STATUS. */
export function podReason(pod: KubeObject): string {
  const reason = textAt(pod, 'status.reason') || (isGated(pod) ? 'SchedulingGated' : textAt(pod, 'status.phase'));
  const shown = initState(pod) ?? containerState(pod, reason);
  if (pod.metadata.deletionTimestamp === undefined) return shown;
  if (textAt(pod, 'status.reason') === 'NodeLost') return 'Unknown';
  const phase = textAt(pod, 'status.phase');
  return phase === 'Succeeded' || phase === 'Failed' ? shown : 'Terminating';
}

function isGated(pod: KubeObject): boolean {
  return listAt(pod, 'status.conditions').some(
    (item) => textAt(item, 'type') === 'PodScheduled' && textAt(item, 'reason') === 'SchedulingGated',
  );
}

/** `Init:1/3`, `Init:Error` ..., undefined once the init containers are done. */
function initState(pod: KubeObject): string | undefined {
  const total = listAt(pod, 'spec.initContainers').length;
  const sidecars = sidecarNames(pod);
  for (const [index, status] of listAt(pod, 'status.initContainerStatuses').entries()) {
    const state = recordAt(status, 'state');
    const terminated = state['terminated'];
    if (isRecord(terminated) && numberAt(terminated, 'exitCode') === 0) continue;
    if (sidecars.has(textAt(status, 'name')) && valueAt(status, 'started') === true) continue;
    if (isRecord(terminated)) return `Init:${terminatedReason(terminated)}`;
    const waiting = textAt(state, 'waiting.reason');
    return waiting && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${total}`;
  }
  return undefined;
}

function terminatedReason(terminated: unknown): string {
  const signal = numberAt(terminated, 'signal');
  return textAt(terminated, 'reason') || (signal ? `Signal:${signal}` : `ExitCode:${numberAt(terminated, 'exitCode')}`);
}

function containerState(pod: KubeObject, start: string): string {
  let reason = start;
  let hasRunning = false;
  for (const status of listAt(pod, 'status.containerStatuses').toReversed()) {
    const waiting = textAt(status, 'state.waiting.reason');
    const terminated = valueAt(status, 'state.terminated');
    if (waiting) reason = waiting;
    else if (isRecord(terminated)) reason = terminatedReason(terminated);
    else if (valueAt(status, 'ready') === true && valueAt(status, 'state.running')) hasRunning = true;
  }
  if (reason !== 'Completed' || !hasRunning) return reason;
  return conditionIs(pod, 'Ready', 'True') ? 'Running' : 'NotReady';
}

function conditionIs(object: KubeObject, type: string, status: string): boolean {
  return listAt(object, 'status.conditions').some(
    (item) => textAt(item, 'type') === type && textAt(item, 'status') === status,
  );
}
