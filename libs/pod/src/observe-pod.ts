import { type CapturedOutputs, type ContainerPlan, type JsonObject, keys, type OutputCapture } from '@sluice/model';
import { resourcesDurationOf } from './resources-duration.ts';

/** The parts of a Pod that tell what became of it. */
export type ObservedPod = {
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: {
    readonly nodeName?: string;
    readonly initContainers?: readonly PodContainer[];
    readonly containers?: readonly PodContainer[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly message?: string;
    readonly reason?: string;
    readonly podIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
};

type PodContainer = {
  readonly name: string;
  readonly resources?: { readonly limits?: unknown; readonly requests?: unknown };
};
type Terminated = {
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
};
export type ContainerStatus = {
  readonly name: string;
  readonly ready?: boolean;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: Terminated;
  };
};

/** What became of a pod, in the terms of the workflow engine. */
export type PodOutcome = {
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Error';
  readonly message?: string;
  readonly exitCode?: number;
  readonly result?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  /** Names of the artifacts and logs that were kept. */
  readonly artifacts?: readonly string[];
  /** Where those lie, as a status shows it. */
  readonly locations?: Readonly<Record<string, JsonObject>>;
  /** What became of each container, of a pod with several that count. */
  readonly containers?: Readonly<Record<string, ContainerOutcome>>;
  readonly hostNodeName?: string;
  readonly podIP?: string;
  readonly ready?: boolean;
  readonly finishedAt?: string;
  readonly progress?: string;
  /** Seconds of resources that it has used, by resource. */
  readonly resourcesDuration?: Readonly<Record<string, number>>;
  readonly deleting?: boolean;
  /** The main container has ended while others of the pod run on. */
  readonly lingering?: boolean;
};

/** What became of one container of several. */
export type ContainerOutcome = {
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
};

function planIn(text: string | undefined): ContainerPlan | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as ContainerPlan);
  } catch {
    return undefined;
  }
}

function mainsEnded({ status = {} }: ObservedPod, plan: ContainerPlan | undefined): boolean {
  const names = plan?.main ?? ['main'];
  const mains = (status.containerStatuses ?? []).filter(({ name }) => names.includes(name));
  return mains.length === names.length && mains.every(({ state }) => state?.terminated !== undefined);
}

function containersOf({ metadata, status = {} }: ObservedPod): Pick<PodOutcome, 'containers'> {
  const plan = planIn(metadata.annotations?.[keys.containers]);
  if (!plan || (plan.main.length === 1 && plan.main[0] === 'main' && !plan.order)) return {};
  const own = (status.containerStatuses ?? []).filter(({ name }) => plan.main.includes(name));
  return { containers: Object.fromEntries(own.map((container) => [container.name, containerOutcome(container)])) };
}

function containerOutcome({ name, state = {} }: ContainerStatus): ContainerOutcome {
  const { running, terminated } = state;
  if (running) return { phase: 'Running', ...(running.startedAt ? { startedAt: running.startedAt } : {}) };
  if (!terminated) return { phase: 'Pending' };
  const { exitCode, startedAt, finishedAt } = terminated;
  const captured = parseCaptured(terminated.message) !== undefined;
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    ...(exitCode === 0 ? {} : { message: describe(name, terminated, captured) }),
    ...(startedAt ? { startedAt } : {}),
    ...(finishedAt ? { finishedAt } : {}),
  };
}

/** Read a pod. Waiting pods say why they wait; failed ones what failed first, in upstream's order. */
export function observePod(pod: ObservedPod): PodOutcome {
  const { status = {} } = pod;
  const main = status.containerStatuses?.find(({ name }) => name === 'main');
  const progress = pod.metadata.annotations?.['workflows.argoproj.io/progress'];
  const common = {
    ...containersOf(pod),
    ...(pod.spec?.nodeName ? { hostNodeName: pod.spec.nodeName } : {}),
    ...(status.podIP ? { podIP: status.podIP } : {}),
    ...(progress ? { progress } : {}),
    ...(pod.metadata.deletionTimestamp ? { deleting: true } : {}),
  };
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return { ...common, ...finishedOutcome(pod, main) };
  const plan = planIn(pod.metadata.annotations?.[keys.containers]);
  // The pod's phase lags behind while sidecars run on: the main containers decide. Nodes that know the plan end the others,
  // and every node ends native sidecars, which are among the init containers.
  if (status.phase === 'Running' && mainsEnded(pod, plan)) {
    const othersRun = status.containerStatuses?.some(({ state }) => !state?.terminated) ?? false;
    return { ...common, ...finishedOutcome(pod, main), ...(othersRun && !plan ? { lingering: true } : {}) };
  }
  if (status.phase === 'Running') return { ...common, phase: 'Running', ready: isReady(pod) };
  const message = pendingMessage(pod);
  return { ...common, phase: 'Pending', ...(message ? { message } : {}) };
}

function isReady({ status = {} }: ObservedPod): boolean {
  const containers = status.containerStatuses ?? [];
  return containers.length > 0 && containers.every(({ ready }) => ready === true);
}

function pendingMessage({ status = {} }: ObservedPod): string | undefined {
  for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
    const waiting = container.state?.waiting;
    if (waiting?.reason) return waiting.message ? `${waiting.reason}: ${waiting.message}` : waiting.reason;
  }
  const scheduled = status.conditions?.find(({ type, status: value }) => type === 'PodScheduled' && value === 'False');
  if (scheduled?.reason) return scheduled.message ? `${scheduled.reason}: ${scheduled.message}` : scheduled.reason;
  return status.message;
}

function finishedOutcome(pod: ObservedPod, main: ContainerStatus | undefined): PodOutcome {
  const ended = main?.state?.terminated;
  const captured = parseCaptured(ended?.message);
  const resourcesDuration = resourcesDurationOf(pod);
  const values = {
    ...(resourcesDuration ? { resourcesDuration } : {}),
    ...(ended ? { exitCode: ended.exitCode } : {}),
    ...(captured?.result === undefined ? {} : { result: captured.result }),
    ...(captured?.parameters === undefined ? {} : { parameters: captured.parameters }),
    ...keptArtifacts(pod),
    ...(ended?.finishedAt ? { finishedAt: ended.finishedAt } : {}),
  };
  const isRunning = pod.status?.phase === 'Running';
  if (pod.status?.phase === 'Succeeded' || (isRunning && mainsSucceeded(pod))) {
    if (captured?.error) return { ...values, phase: 'Error', message: captured.error };
    return { ...values, phase: 'Succeeded' };
  }
  return { ...values, ...inferFailure(pod, captured !== undefined) };
}

function mainsOf({ metadata }: Pick<ObservedPod, 'metadata'>): readonly string[] {
  return planIn(metadata.annotations?.[keys.containers])?.main ?? ['main'];
}

function mainsSucceeded({ metadata, status = {} }: ObservedPod): boolean {
  const names = mainsOf({ metadata });
  return (status.containerStatuses ?? [])
    .filter(({ name }) => names.includes(name))
    .every(({ state }) => state?.terminated?.exitCode === 0);
}

/** The artifacts that the containers of a pod left, with the places that the pod was told to keep them at. */
function keptArtifacts({ metadata, status = {} }: ObservedPod): Pick<PodOutcome, 'artifacts' | 'locations'> {
  const told = (status.containerStatuses ?? []).map(
    ({ state }) => parseCaptured(state?.terminated?.message)?.artifacts,
  );
  if (told.every((names) => names === undefined)) return {};
  const artifacts = told.flatMap((names) => names ?? []);
  const capture = captureIn(metadata.annotations?.[keys.outputs]);
  const places = [...(capture?.artifacts ?? []), ...(capture?.logs ?? [])];
  const locations = Object.fromEntries(places.map(({ name, location, shown }) => [name, shown ?? location]));
  return { artifacts, locations };
}

function captureIn(text: string | undefined): OutputCapture | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as OutputCapture);
  } catch {
    return undefined;
  }
}

/** Why a pod failed: the pod's own message, then init containers, then the main one, then the others. */
function inferFailure(
  pod: ObservedPod,
  captured: boolean,
): { readonly phase: 'Succeeded' | 'Failed' | 'Error'; readonly message?: string } {
  const { status = {} } = pod;
  if (status.message) return { phase: 'Failed', message: status.message };
  const containers = status.containerStatuses ?? [];
  const early = artifactProblem(containers) ?? initProblem(status.initContainerStatuses) ?? waitingMessage(containers);
  if (early !== undefined) return { phase: 'Error', message: early };
  const failed = failedContainer(pod, containers);
  if (failed)
    return { phase: 'Failed', message: describe(failed.name, failed.ended, captured && failed.name === 'main') };
  if (mainsSucceeded(pod) && containers.length > 0) return { phase: 'Succeeded' };
  return { phase: 'Failed', message: status.reason ?? 'pod failed for unknown reason' };
}

/** The first container that failed, the main one before the others; helpers that were told to end have not. */
function failedContainer(
  { metadata }: ObservedPod,
  containers: readonly ContainerStatus[],
): { readonly name: string; readonly ended: Terminated } | undefined {
  const mains = planIn(metadata.annotations?.[keys.containers])?.main ?? ['main'];
  const isMain = ({ name }: ContainerStatus): boolean => name === 'main';
  for (const { name, state } of [...containers.filter(isMain), ...containers.filter((one) => !isMain(one))]) {
    const ended = state?.terminated;
    if (!ended || ended.exitCode === 0) continue;
    if (mains.includes(name) || (ended.exitCode !== 137 && ended.exitCode !== 143)) return { name, ended };
  }
  return undefined;
}

function initProblem(containers: readonly ContainerStatus[] = []): string | undefined {
  for (const { name, state } of containers) {
    const ended = state?.terminated;
    if (ended && ended.exitCode !== 0) return describe(name, ended, false);
  }
  return undefined;
}

/** A container that ended with 64 and only an error to tell never ran: its artifacts could not be brought. */
function artifactProblem(containers: readonly ContainerStatus[]): string | undefined {
  for (const { state } of containers) {
    if (state?.terminated?.exitCode !== 64) continue;
    const captured = parseCaptured(state.terminated.message);
    if (captured?.error !== undefined && Object.keys(captured).length === 1) return captured.error;
  }
  return undefined;
}

/** Why the containers never started, when none of them did. */
function waitingMessage(containers: readonly ContainerStatus[]): string | undefined {
  const waiting = containers.find(({ state }) => state?.waiting && !state.terminated)?.state?.waiting;
  if (!waiting || containers.some(({ state }) => state?.terminated)) return undefined;
  return `Pod failed before main container starts due to ${waiting.reason ?? 'Unknown'}: ${waiting.message ?? ''}`;
}

/** `main: Error (exit code 1): message`. */
function describe(name: string, { reason, exitCode, message }: Terminated, captured: boolean): string {
  const text = `${name}: ${reason ?? 'Error'} (exit code ${exitCode})`;
  return message && !captured ? `${text}: ${message}` : text;
}

/** The outputs in a termination message; undefined for a message that the program wrote itself. */
export function parseCaptured(message: string | undefined): CapturedOutputs | undefined {
  if (!message?.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(message);
    return isCaptured(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const capturedFields = new Set(['result', 'parameters', 'artifacts', 'error']);

function isCaptured(value: unknown): value is CapturedOutputs {
  if (typeof value !== 'object' || value === null) return false;
  const known = Object.keys(value).every((key) => capturedFields.has(key));
  return known && Object.keys(value).length > 0;
}
