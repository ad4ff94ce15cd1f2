import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { keyOf, type ObjectKey, type OutputCapture } from '@sluice/model';
import { ContainerRun } from '../container/container-run.ts';
import { ConfigError } from '../container/downward.ts';
import { StartError } from '../container/start-error.ts';
import { captureOptions, parseOutputCapture } from '../container/outputs.ts';
import { type TaskRun, taskRunOf } from '../container/task-run.ts';
import { identityOf } from '../container/process-table.ts';
import { writeState } from '../node/state-file.ts';
import { LiveVolumes } from '../volume/live-volumes.ts';
import type { VolumeSource } from '../volume/pod-volumes.ts';
import { dependencyFailed } from './container-plan.ts';
import { decidePod, type PodAction } from './decide-pod.ts';
import { deletionOf } from './deletion.ts';
import { removeRunningFiles } from './pod-files.ts';
import type { PodPorts } from './pod-ports.ts';
import {
  type Container,
  containerNamed,
  isFinished,
  isFirst,
  type Pod,
  type PodStatus,
  startTimeOf,
} from './pod-spec.ts';
import {
  containerState,
  type ContainerState,
  type Exit,
  isLive,
  type PodState,
  startingState,
  withContainer,
} from './pod-state.ts';
import { buildPodStatus } from './pod-status.ts';
import { removePodObject } from './remove-pod-object.ts';
import { retryDelayMs } from './restart-backoff.ts';
import { StatusWriter } from './status-writer.ts';
import { statusDelayMs } from './status-delay.ts';

/** A process is written down once it has lived this long; until then the mark in its variables finds it. */
const savePidMs = 50;
const faultRetryMs = 5_000;

/** Runs one pod: decides, acts, and decides again whenever something has happened. Nothing is polled. */
export class PodWorker {
  readonly key: ObjectKey;
  readonly uid: string;
  readonly directory: string;
  readonly #ports: PodPorts;
  readonly #writer: StatusWriter;
  readonly #runs = new Map<string, ContainerRun | TaskRun>();
  readonly #capture: { capture?: OutputCapture; problem?: string };
  #pod: Pod;
  #state: PodState;
  #status: PodStatus | undefined;
  #volumes: ReadonlyMap<string, VolumeSource> = new Map();
  #live: LiveVolumes | undefined;
  #timer: NodeJS.Timeout | undefined;
  #saving: NodeJS.Timeout | undefined;
  /** The object has reached its last phase; nothing is decided any more but its deletion. */
  #over: boolean;
  #deciding = false;
  #again = false;
  #released = false;
  #deleting = false;
  #closed = false;

  constructor(pod: Pod, state: PodState, ports: PodPorts) {
    this.key = keyOf(pod);
    this.uid = pod.metadata.uid ?? '';
    this.#pod = pod;
    this.#state = state;
    this.#ports = ports;
    this.#over = isFinished(pod.status);
    this.#capture = parseOutputCapture(pod);
    this.directory = join(ports.podsDirectory, this.uid);
    const { kube, log } = ports;
    this.#writer = new StatusWriter({ kube, log, key: this.key, uid: this.uid });
    if (!this.#over) mkdirSync(this.directory, { recursive: true, mode: 0o755 });
  }

  get pod(): Pod {
    return this.#pod;
  }
  get state(): PodState {
    return this.#state;
  }

  /** The log that is being written for a container, if it runs. */
  liveLog(container: string): ContainerRun['log'] {
    return this.#runs.get(container)?.log;
  }

  /** The run of a container whose process exists. */
  running(container: string): ContainerRun | undefined {
    const run = containerState(this.#state, container).phase === 'running' ? this.#runs.get(container) : undefined;
    return run instanceof ContainerRun ? run : undefined;
  }

  /** Take a newer version of the object. */
  update(pod: Pod): void {
    this.#pod = pod;
    this.#live?.update(pod);
    if (pod.metadata.deletionTimestamp) this.#beginDeletion(pod);
    this.decide();
  }

  /** A ConfigMap or Secret of the pod's namespace has changed. */
  contentChanged(kind: 'configMap' | 'secret', name: string): void {
    this.#live?.changed(kind, name);
    this.retry();
  }

  /** Something that the pod waits for (a claim) may be there now. */
  retry(): void {
    const { preparation } = this.#state;
    if (preparation.phase === 'busy') this.#askedAgain = true;
    if (preparation.phase !== 'failed') return;
    this.#state = { ...this.#state, preparation: { ...preparation, notBefore: 0 } };
    this.decide();
  }

  /** The object is gone: end everything at once and remove what is left. */
  async remove(): Promise<void> {
    this.#writer.close();
    await this.#end();
    this.#release();
    await this.#ports.endedLogs.keep(this.#pod, join(this.directory, 'logs'));
    await rm(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Sluice stops: end the processes, report nothing; the next start finds the pod as after a crash. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    this.#writer.close();
    const runs = this.#liveRuns();
    for (const run of runs) run.stop(graceMs);
    await Promise.all(runs.map((run) => run.done));
    await this.#end();
  }

  /** Decide and act, until there is nothing to do. */
  decide(): void {
    if (this.#deciding) {
      this.#again = true;
      return;
    }
    this.#deciding = true;
    try {
      do {
        this.#again = false;
        this.#guardedPass();
      } while (this.#again && !this.#closed);
    } finally {
      this.#deciding = false;
    }
  }

  /** A fault of the node (no disk space, no address) must end neither the pod nor the program: it is tried again. */
  #guardedPass(): void {
    try {
      this.#pass();
    } catch (error) {
      this.#ports.log.error('pod not handled', { ...this.key, error });
      this.#timer = setTimeout(() => this.decide(), faultRetryMs);
    }
  }

  #pass(): void {
    if (this.#closed) return;
    const { now, backoff } = this.#ports;
    if (this.#over) {
      if (this.#state.ending?.reason === 'Deleted') this.#act({ kind: 'delete' });
      return;
    }
    const decision = decidePod(this.#pod, this.#state, now(), backoff);
    if (decision.ending) this.#state = { ...this.#state, ending: decision.ending };
    const last = (action: PodAction): boolean => action.kind === 'release' || action.kind === 'delete';
    for (const action of decision.actions) if (!last(action)) this.#act(action);
    // The end of a pod is written before anything of it is removed.
    this.#report(decision.finished);
    for (const action of decision.actions) if (last(action)) this.#act(action);
    clearTimeout(this.#timer);
    if (decision.nextLook !== undefined) {
      const wait = Math.min(Math.max(0, decision.nextLook - now()), 2 ** 31 - 1);
      this.#timer = setTimeout(() => this.decide(), wait);
    }
  }

  #report(finished: boolean): void {
    const { now, backoff, hostIp, delays } = this.#ports;
    const input = { pod: this.#pod, state: this.#state, finished, previous: this.#status, hostIp, now: now(), backoff };
    this.#status = buildPodStatus(input);
    this.#writer.set(this.#status, statusDelayMs(this.#pod, this.#status, this.#state, delays));
  }

  #act(action: PodAction): void {
    switch (action.kind) {
      case 'prepare':
        this.#prepare();
        break;
      case 'start':
        this.#start(action.container, action.restart);
        break;
      case 'omit':
        this.#omit(action.container, action.failed);
        break;
      case 'stop':
        this.#stop(action.container, action.graceMs, action.reason);
        break;
      case 'release':
        this.#release();
        break;
      case 'delete':
        void this.#delete();
        break;
      default:
        action satisfies never;
    }
  }

  #prepare(): void {
    const { addresses, now } = this.#ports;
    const ip = this.#state.ip ?? this.#pod.status?.podIP;
    this.#state = {
      ...this.#state,
      ip: this.#ip ?? (this.#ip = addresses.take(ip)),
      startedAt: this.#state.startedAt ?? startTimeOf(this.#pod) ?? now(),
      preparation: { ...this.#state.preparation, phase: 'busy' },
    };
    const volumes = this.#pod.spec?.volumes ?? [];
    if (volumes.length === 0) {
      this.#state = { ...this.#state, preparation: { phase: 'ready', failures: 0 } };
      this.#again = true;
      return;
    }
    this.#askedAgain = false;
    void this.#prepareVolumes().then(() => this.#afterPreparation());
  }

  /** What arrived while the volumes were made may be what they lacked: then the back-off does not count. */
  #afterPreparation(): void {
    if (this.#askedAgain) this.retry();
    this.decide();
  }
  #askedAgain = false;
  #ip: string | undefined;

  async #prepareVolumes(): Promise<void> {
    const { now, backoff, events, log } = this.#ports;
    const ports = this.#ports.volumePorts(this.#pod, this.directory, this.#ip ?? '');
    const onProblem = (error: unknown): void => log.warn('volumes not refreshed', { ...this.key, error });
    this.#live ??= new LiveVolumes(this.#pod, { ports, now, onProblem });
    try {
      this.#volumes = await this.#live.prepare();
      this.#state = { ...this.#state, preparation: { phase: 'ready', failures: 0 } };
    } catch (error) {
      const failures = this.#state.preparation.failures + 1;
      const message = error instanceof Error ? error.message : String(error);
      const notBefore = now() + retryDelayMs(failures, backoff);
      const preparation = { phase: 'failed', reason: 'ContainerCreating', message, failures, notBefore } as const;
      this.#state = { ...this.#state, preparation };
      if (!(error instanceof ConfigError) || failures > 1) events.record(this.#pod, 'Warning', 'FailedMount', message);
    }
  }

  #start(name: string, restart: boolean): void {
    const container = containerNamed(this.#pod, name);
    if (!container) return;
    const before = containerState(this.#state, name);
    const run = this.#newTaskRun(container, before) ?? this.#newRun(container, before);
    // A start that fails before a process exists puts this back.
    this.#setState(name, startingState(before, restart));
    this.#runs.set(name, run);
    void this.#run(run, container, before);
  }

  /** Ended without having begun. */
  #omit(name: string, failed: string): void {
    const at = this.#ports.now();
    const message = `container ${failed}, which it depends on, has failed`;
    this.#change(name, { phase: 'exited', exit: { ...dependencyFailed, message, startedAt: at, finishedAt: at } });
    this.#again = true;
  }

  #newTaskRun({ name }: Container, before: ContainerState): TaskRun | undefined {
    return taskRunOf(this.#pod, name, () => this.#ports.taskPorts(this.#pod, this.directory), {
      starting: () => this.#change(name, { failedStarts: 0, startedAt: this.#ports.now() }),
      ended: (exit) => this.#onEnd(name, exit, before),
    });
  }

  #newRun(container: Container, before: ContainerState): ContainerRun {
    const { name } = container;
    return new ContainerRun({
      pod: this.#pod,
      container,
      ...captureOptions(this.#capture, name, isFirst(this.#pod, container)),
      ports: this.#ports.runPorts(this.#pod, this.directory, this.#ip ?? '', this.#volumes),
      events: {
        starting: (imageId) => {
          this.#change(name, { ...(imageId ? { imageId } : {}), failedStarts: 0, startedAt: this.#ports.now() });
          this.#save();
        },
        probed: (change) => {
          this.#change(name, { ...change, ...(change.started ? { hasStarted: true } : {}) });
          this.decide();
        },
        unhealthy: (message) => this.#restartUnhealthy(container, message),
        probeFailed: (message) => this.#ports.events.record(this.#pod, 'Warning', 'Unhealthy', message),
        ended: (exit) => this.#onEnd(name, exit, before),
      },
    });
  }

  async #run(run: ContainerRun | TaskRun, container: Container, before: ContainerState): Promise<void> {
    const { name } = container;
    try {
      const { pid, startedAt } = await run.start();
      const isStarting = containerState(this.#state, name).phase === 'starting';
      if (isStarting) this.#change(name, { phase: 'running', startedAt, ...identityOf(pid) });
      // The pid is worth keeping only of what runs for a while.
      if (isStarting) this.#saving ??= setTimeout(() => this.#save(), savePidMs);
      if (run instanceof ContainerRun) this.#tellStart(container);
      await run.observe();
    } catch (error) {
      this.#onStartFailure(name, error, before);
    }
    this.decide();
  }

  #tellStart(container: Container): void {
    const { events, tellImage } = this.#ports;
    tellImage(this.#pod, container);
    if ((this.#pod.spec?.restartPolicy ?? 'Always') === 'Always') {
      events.record(this.#pod, 'Normal', 'Started', `Started container ${container.name}`);
    }
  }

  #onStartFailure(name: string, error: unknown, before: ContainerState): void {
    const { now, backoff, events, log } = this.#ports;
    const failedStarts = before.failedStarts + 1;
    const message = error instanceof Error ? error.message : String(error);
    const reason = error instanceof StartError ? error.reason : 'CreateContainerError';
    const shown = reason === 'ErrImagePull' && failedStarts > 1 ? 'ImagePullBackOff' : reason;
    const { stopping: _, ...kept } = before;
    const notBefore = now() + retryDelayMs(failedStarts, backoff);
    if (reason === 'Stopped') this.#setState(name, kept);
    else {
      this.#setState(name, { ...kept, failedStarts, notBefore, waiting: { reason: shown, message } });
      events.record(this.#pod, 'Warning', 'Failed', `${reason}: ${message}`);
    }
    if (!(error instanceof StartError)) log.warn('container not started', { ...this.key, container: name, error });
  }

  #onEnd(name: string, exit: Exit, before: ContainerState): void {
    if (this.#closed) return;
    const { backoff, events } = this.#ports;
    const long = exit.finishedAt - exit.startedAt >= backoff.resetMs;
    const crashes = long ? 1 : before.crashes + 1;
    const { pid: _p, pidStart: _s, ...kept } = containerState(this.#state, name);
    this.#setState(name, { ...kept, phase: 'exited', exit, crashes, started: false, ready: false, stopping: false });
    this.#save();
    if (crashes > 1 && !this.#state.ending && this.#pod.spec?.restartPolicy !== 'Never') {
      events.record(this.#pod, 'Warning', 'BackOff', `Back-off restarting failed container ${name}`);
    }
    this.decide();
  }

  #restartUnhealthy(container: Container, message: string): void {
    const { events } = this.#ports;
    const text = `Container ${container.name}: ${message}, will be restarted`;
    events.record(this.#pod, 'Normal', 'Killing', text);
    const own = container.livenessProbe?.terminationGracePeriodSeconds;
    this.#stop(container.name, (own ?? this.#pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000, 'Unhealthy');
    this.decide();
  }

  #stop(name: string, graceMs: number, reason: string): void {
    this.#change(name, { stopping: true, ready: false });
    this.#runs.get(name)?.stop(graceMs);
    if (reason === 'Deleted' && (this.#pod.spec?.restartPolicy ?? 'Always') === 'Always') {
      this.#ports.events.record(this.#pod, 'Normal', 'Killing', `Stopping container ${name}`);
    }
  }

  #beginDeletion(pod: Pod): void {
    const { now, delays, isServing } = this.#ports;
    const before = this.#state.ending;
    const view = { before, serving: !this.#over && isServing(pod), drainMs: delays.drainMs, now: now() };
    const ending = deletionOf(pod, view);
    this.#state = { ...this.#state, ending };
    const shortened = before?.reason === 'Deleted' && ending !== before;
    if (shortened) for (const run of this.#liveRuns()) if (run.stopping) run.stop(ending.graceMs);
  }

  /** Nothing lives any more: give back the address and the disk space; logs stay until the object goes. */
  #release(): void {
    if (this.#released) return;
    this.#released = true;
    clearTimeout(this.#timer);
    const quiet = this.#live?.close() ?? Promise.resolve();
    if (this.#ip) this.#ports.addresses.release(this.#ip);
    this.#ports.killEscaped(this.uid);
    void removeRunningFiles(this.directory, quiet, this.#ports.log);
    void this.#writer.flush().then(() => {
      if (isFinished(this.#status)) this.#over = true;
    });
  }

  async #delete(): Promise<void> {
    if (this.#deleting) return;
    this.#deleting = true;
    await this.#writer.flush();
    this.#release();
    const { kube, log } = this.#ports;
    await removePodObject({ kube, log, key: this.key, uid: this.uid, isClosed: () => this.#closed });
  }

  async #end(): Promise<void> {
    clearTimeout(this.#timer);
    clearTimeout(this.#saving);
    this.#closed = true;
    const runs = this.#liveRuns();
    for (const run of runs) run.kill();
    await Promise.all(runs.map((run) => run.done));
    await this.#live?.close();
  }

  #liveRuns(): readonly (ContainerRun | TaskRun)[] {
    return [...this.#runs].filter(([name]) => isLive(containerState(this.#state, name))).map(([, run]) => run);
  }

  #change(name: string, change: Partial<ContainerState>): void {
    this.#state = withContainer(this.#state, name, change);
  }

  #setState(name: string, state: ContainerState): void {
    this.#state = { ...this.#state, containers: { ...this.#state.containers, [name]: state } };
  }

  #save(): void {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    if (this.#closed) return;
    try {
      writeState(this.directory, this.#state);
    } catch (error) {
      this.#ports.log.error('pod state not kept', { ...this.key, error });
    }
  }
}
