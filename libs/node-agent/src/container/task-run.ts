import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CapturedOutputs, keys, type PodTask } from '@sluice/model';
import { ContainerLog, keepPrevious } from '../log/container-log.ts';
import type { Pod } from '../pod/pod-spec.ts';
import type { Exit } from '../pod/pod-state.ts';

/** What a task is told about the pod that it works for. */
export type TaskContext = {
  readonly namespace: string;
  readonly podName: string;
  readonly serviceAccount: string;
  /** A token of the pod's service account. */
  readonly requestToken: () => Promise<string>;
  /** A key of a Secret of the namespace. Rejects when it is not there. */
  readonly secret: (name: string, key: string) => Promise<string>;
  /** A line of the container's log. */
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
};

/** How a task ended: 0 or the exit code of its container, why, and what it leaves. */
export type TaskEnd = { readonly code: number; readonly message?: string; readonly outputs?: CapturedOutputs };

/** Does tasks. Never throws for what a task does; must end soon after its signal. */
export type TaskPort = (task: PodTask, context: TaskContext) => Promise<TaskEnd>;

/** The task that the pod's annotation names; `problem` when it cannot be read. */
export function parseTask(pod: Pod): { readonly task?: PodTask; readonly problem?: string } {
  const text = pod.metadata.annotations?.[keys.task];
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'kind' in value) return { task: value as PodTask };
  } catch {
    // Said below.
  }
  return { problem: `annotation ${keys.task} is not of the form {"kind", ...}` };
}

export type TaskRunOptions = {
  readonly pod: Pod;
  readonly container: string;
  readonly ports: {
    /** Absent on a node that does no tasks. */
    readonly tasks: TaskPort | undefined;
    readonly context: Pick<TaskContext, 'requestToken' | 'secret'>;
    /** `pods/<uid>`. */
    readonly directory: string;
    readonly now: () => number;
  };
  readonly events: { readonly starting: () => void; readonly ended: (exit: Exit) => void };
};

/** The exit code of a task that could not be done, as upstream's executor has it. */
const taskFailedCode = 64;
const stoppedCode = 143;

/** A container whose work the node does itself: the same life as a container with a process, without one. */
export class TaskRun {
  readonly #options: TaskRunOptions;
  readonly #abort = new AbortController();
  readonly #done = Promise.withResolvers<void>();
  log: ContainerLog | undefined;

  constructor(options: TaskRunOptions) {
    this.#options = options;
  }

  get stopping(): boolean {
    return this.#abort.signal.aborted;
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Begin. The end is told once the caller knows of the start. */
  start(): Promise<{ readonly pid: undefined; readonly startedAt: number }> {
    const { container, ports, events } = this.#options;
    const path = join(ports.directory, 'logs', `${container}.log`);
    mkdirSync(dirname(path), { recursive: true });
    keepPrevious(path);
    this.log = new ContainerLog(path);
    const startedAt = ports.now();
    events.starting();
    setImmediate(() => void this.#run(startedAt));
    return Promise.resolve({ pid: undefined, startedAt });
  }

  /** There is nothing to probe. */
  observe(): Promise<void> {
    return Promise.resolve();
  }

  stop(): void {
    this.#abort.abort();
  }

  kill(): void {
    this.#abort.abort();
  }

  async #run(startedAt: number): Promise<void> {
    const end = await this.#attempt();
    const { code, message, outputs } = this.stopping ? { code: stoppedCode, message: 'stopped' } : end;
    if (message !== undefined && code !== 0) this.#print(message);
    await this.log?.close();
    const told = code === 0 || outputs ? JSON.stringify(outputs ?? { parameters: {} }) : message;
    this.#options.events.ended({
      code,
      reason: code === 0 ? 'Completed' : 'Error',
      ...(told === undefined ? {} : { message: told }),
      startedAt,
      finishedAt: this.#options.ports.now(),
    });
    this.#done.resolve();
  }

  async #attempt(): Promise<TaskEnd & { readonly outputs?: CapturedOutputs }> {
    const { pod, ports } = this.#options;
    const { task, problem } = parseTask(pod);
    if (!task) return { code: taskFailedCode, message: problem ?? 'there is no task' };
    if (!ports.tasks) return { code: taskFailedCode, message: `this node does no tasks of kind ${task.kind}` };
    try {
      return await ports.tasks(task, {
        ...ports.context,
        namespace: pod.metadata.namespace ?? 'default',
        podName: pod.metadata.name,
        serviceAccount: pod.spec?.serviceAccountName ?? 'default',
        print: (line) => this.#print(line),
        signal: this.#abort.signal,
      });
    } catch (error) {
      return { code: taskFailedCode, message: error instanceof Error ? error.message : String(error) };
    }
  }

  #print(line: string): void {
    this.log?.append('stdout', Buffer.from(line.endsWith('\n') ? line : `${line}\n`));
  }
}

/** The run of a container when the node does its work: that of the first container of a pod with a task. */
export function taskRunOf(
  pod: Pod,
  container: string,
  ports: () => TaskRunOptions['ports'],
  events: TaskRunOptions['events'],
): TaskRun | undefined {
  const { task, problem } = parseTask(pod);
  if ((!task && problem === undefined) || pod.spec?.containers[0]?.name !== container) return undefined;
  return new TaskRun({ pod, container, ports: ports(), events });
}
