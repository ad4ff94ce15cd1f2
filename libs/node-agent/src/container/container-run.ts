import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { OutputCapture } from '@sluice/model';
import { ContainerLog } from '../log/container-log.ts';
import type { Container, Pod } from '../pod/pod-spec.ts';
import type { Exit } from '../pod/pod-state.ts';
import { ArtifactFailure, type Kept, keepLog, keepOutputs } from './artifacts.ts';
import { Attachments } from './attachments.ts';
import { ContainerProbes, runHandler } from './container-probes.ts';
import { prepareContainer, type PreparedContainer, type StartPorts } from './container-start.ts';
import { enterContainer, type RunningContainer } from './enter-container.ts';
import { execSession, type SessionEnd, type SessionStreams } from './exec-session.ts';
import type { FifoPool } from './fifo-pool.ts';
import type { Outcome } from './http-probe.ts';
import { launch, type Launched, type LaunchExit } from './launch.ts';
import { captureOutputs, maxResultBytes, readText, StreamTail } from './outputs.ts';
import { StartError } from './start-error.ts';

export type RunPorts = StartPorts & {
  readonly fifos: FifoPool;
  readonly now: () => number;
  /** Resolves when it is this start's turn. */
  readonly turn: () => Promise<void>;
};

export type RunOptions = {
  readonly pod: Pod;
  readonly container: Container;
  readonly capture?: OutputCapture;
  /** The annotation that should describe the outputs cannot be read: becomes the `error` of the outputs. */
  readonly captureProblem?: string;
  readonly ports: RunPorts;
  readonly events: {
    /** Just before the process is made; must have kept what is to be known after a crash. */
    readonly starting: (imageId: string | undefined) => void;
    readonly probed: (change: { readonly started?: boolean; readonly ready?: boolean }) => void;
    readonly unhealthy: (message: string) => void;
    readonly probeFailed: (message: string) => void;
    readonly ended: (exit: Exit) => void;
  };
};

const defaultStartGraceMs = 60_000;
/** The most that keeping outputs may take. */
const maxSavingMs = 6 * 3_600_000;
/** The exit code of a container whose artifacts could not be brought, as upstream's executor has it. */
const artifactExitCode = 64;
const maxMessageBytes = 4_096;
const fallbackMessageBytes = 2_048;

/** Thrown for what needs a process when there is none. */
export class NotRunning extends Error {
  override readonly name = 'NotRunning';
}

/** One run of a container, from its preparation to its end. */
export class ContainerRun {
  readonly #options: RunOptions;
  readonly #abort = new AbortController();
  /** Ends the keeping of outputs. */
  readonly #saving = new AbortController();
  readonly #result: StreamTail | undefined;
  readonly #tail: StreamTail | undefined;
  #prepared: PreparedContainer | undefined;
  #process: Launched | undefined;
  #probes: ContainerProbes | undefined;
  #stopTimer: NodeJS.Timeout | undefined;
  #stopping = false;
  /** There is no process any more; its outputs may still be kept. */
  #ended = false;
  /** Its end was told. */
  #over = false;
  readonly #attachments = new Attachments();
  readonly #done = Promise.withResolvers<void>();
  log: ContainerLog | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    if (options.capture?.result) this.#result = new StreamTail(maxResultBytes);
    if (options.container.terminationMessagePolicy === 'FallbackToLogsOnError') {
      this.#tail = new StreamTail(fallbackMessageBytes);
    }
  }

  /** A stop was asked for. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Resolves once there is no process any more, or there never will be one. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Start the process. Resolves with its pid and image; throws {@link StartError} when there is none to be had. */
  async start(): Promise<{ readonly pid: number | undefined; readonly startedAt: number }> {
    try {
      return await this.#launch();
    } catch (error) {
      if (error instanceof ArtifactFailure) return this.#failBefore(error);
      this.#ended = true;
      await this.log?.close();
      await this.#release();
      this.#done.resolve();
      throw error;
    }
  }

  /** The container ends before it has begun. Its end is told once the caller knows of its start. */
  #failBefore({ message }: ArtifactFailure): { readonly pid: undefined; readonly startedAt: number } {
    const at = this.#options.ports.now();
    this.#ended = true;
    this.#over = true;
    setImmediate(() => {
      const outputs = JSON.stringify({ error: message });
      this.#options.events.ended({
        code: artifactExitCode,
        reason: 'Error',
        message: outputs,
        startedAt: at,
        finishedAt: at,
      });
      this.#done.resolve();
    });
    return { pid: undefined, startedAt: at };
  }

  async #launch(): Promise<{ readonly pid: number | undefined; readonly startedAt: number }> {
    const { pod, container, capture, ports, events } = this.#options;
    const prepared = await prepareContainer(pod, container, capture, ports, this.#abort.signal);
    this.#prepared = prepared;
    await ports.turn();
    if (this.#stopping) throw new StartError('Stopped', 'the container was stopped before it had begun');
    mkdirSync(dirname(prepared.logPath), { recursive: true });
    this.log = new ContainerLog(prepared.logPath);
    const out = await ports.fifos.take();
    const apart = capture?.result !== undefined || ports.runtime.separateStreams;
    const err = out && apart ? await ports.fifos.take() : undefined;
    events.starting(prepared.image.digest);
    const startedAt = ports.now();
    this.#process = launch(prepared.plan, {
      pipes: out ? { out, ...(err ? { err } : {}) } : undefined,
      onOutput: (stream, chunk) => this.#onOutput(stream, chunk),
      stdin: container.stdin ?? false,
    });
    // Stopped while the pipes were made: there is nothing yet that could end gracefully.
    if (this.#isStopping()) this.#process.kill();
    void this.#process.exit.then((exit) => this.#onExit(exit, startedAt));
    await this.#process.begun;
    return { pid: this.#process.pid, startedAt };
  }

  /** Run postStart, then begin to probe. Call once the start was recorded. */
  async observe(): Promise<void> {
    const { container, ports, events } = this.#options;
    const hook = container.lifecycle?.postStart;
    if (hook) {
      const outcome = await runHandler(hook, defaultStartGraceMs, this.#handlerPorts());
      if (!outcome.ok && !this.#ended) events.unhealthy(`postStart hook failed: ${outcome.message}`);
    }
    if (this.#ended || this.#stopping) return;
    this.#probes = new ContainerProbes({
      ...this.#handlerPorts(),
      now: ports.now,
      onChange: events.probed,
      onUnhealthy: events.unhealthy,
      onFailure: events.probeFailed,
    });
  }

  /** Run preStop, send SIGTERM, after the grace SIGKILL. Again with less grace shortens it. */
  stop(graceMs: number): void {
    clearTimeout(this.#stopTimer);
    this.#abort.abort();
    if (this.#over) return;
    if (graceMs <= 0) return this.kill();
    this.#stopTimer = setTimeout(() => this.kill(), graceMs);
    if (this.#stopping || this.#ended) return;
    this.#stopping = true;
    this.#probes?.close();
    void this.#terminate(graceMs);
  }

  /** SIGKILL at once. */
  kill(): void {
    this.#stopping = true;
    this.#abort.abort();
    this.#saving.abort();
    this.#probes?.close();
    if (!this.#ended) this.#process?.kill();
  }

  async #terminate(graceMs: number): Promise<void> {
    const hook = this.#options.container.lifecycle?.preStop;
    if (hook && this.#process) await runHandler(hook, graceMs, this.#handlerPorts());
    this.#process?.terminate();
  }

  /** Read anew: it may have changed during a wait. */
  #isStopping(): boolean {
    return this.#stopping;
  }

  #handlerPorts() {
    const { container, ports } = this.#options;
    const exec = (command: readonly string[], timeoutMs: number): Promise<Outcome> => this.#exec(command, timeoutMs);
    return { container, podIp: ports.node.podIp, exec };
  }

  /** Run a command in the container for a client. Throws {@link NotRunning}. */
  exec(command: readonly string[], tty: boolean, streams: SessionStreams): Promise<SessionEnd> {
    return execSession(this.#running(), command, tty, streams);
  }

  /** Show the output of the container to a client from now on, and give it the client's input. Throws {@link NotRunning}. */
  async attach(streams: SessionStreams): Promise<SessionEnd> {
    const { process } = this.#running();
    const once = this.#options.container.stdinOnce ?? false;
    await this.#attachments.attach(streams, { stdin: process.stdin, done: this.done, once });
    return { code: 0 };
  }

  #running(): RunningContainer {
    if (!this.#prepared || !this.#process || this.#ended) throw new NotRunning('the container does not run');
    return { input: this.#prepared.input, runtime: this.#options.ports.runtime, process: this.#process };
  }

  /** Another process in the container, for a probe or a hook. */
  async #exec(command: readonly string[], timeoutMs: number): Promise<Outcome> {
    if (!this.#process || this.#ended) return { ok: false, message: 'the container does not run' };
    const output = new StreamTail(1_024);
    const onOutput = (_stream: string, chunk: Uint8Array): void => output.add(chunk);
    const child = await enterContainer(this.#running(), command, { onOutput });
    const cut = setTimeout(() => child.kill(), timeoutMs);
    const { code, failure } = await child.exit;
    clearTimeout(cut);
    if (code === 0) return { ok: true, message: '' };
    return { ok: false, message: failure?.message ?? `exit code ${code}: ${output.text().trim()}` };
  }

  #onOutput(stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    this.log?.append(stream, chunk);
    this.#attachments.output(stream, chunk);
    if (stream === 'stdout') this.#result?.add(chunk);
    this.#tail?.add(chunk);
  }

  async #onExit(exit: LaunchExit, startedAt: number): Promise<void> {
    const finishedAt = this.#options.ports.now();
    this.#ended = true;
    this.#probes?.close();
    await this.log?.close();
    const message = await this.#message(exit);
    clearTimeout(this.#stopTimer);
    this.#over = true;
    await this.#release();
    const reason = exit.failure?.reason ?? this.#reason(exit.code);
    this.#options.events.ended({
      code: exit.code,
      ...(exit.signal === undefined ? {} : { signal: exit.signal }),
      reason,
      ...(message ? { message } : {}),
      startedAt,
      finishedAt,
    });
    this.#done.resolve();
  }

  #reason(code: number): string {
    if (code === 0) return 'Completed';
    const { runtime } = this.#options.ports;
    return this.#prepared && runtime.ranOutOfMemory?.(this.#prepared.input) ? 'OOMKilled' : 'Error';
  }

  async #release(): Promise<void> {
    const { runtime } = this.#options.ports;
    if (this.#prepared) await runtime.release?.(this.#prepared.input);
  }

  async #message(exit: LaunchExit): Promise<string | undefined> {
    const { capture, captureProblem } = this.#options;
    if (exit.failure) return exit.failure.message;
    const prepared = this.#prepared;
    if (!prepared) return undefined;
    if (capture) {
      const { view } = prepared.plan;
      const { workingDir } = prepared.input;
      const succeeded = exit.code === 0;
      const captured = captureOutputs({ capture, view, workingDir, stdout: this.#result, succeeded });
      const { kept, errors } = await this.#keep(capture, prepared, succeeded);
      const error = [captured.error, ...errors].filter((text) => text !== undefined).join('; ');
      const artifacts = capture.artifacts || capture.logs ? { artifacts: kept } : {};
      return JSON.stringify({ ...captured, ...artifacts, ...(error === '' ? {} : { error }) });
    }
    if (captureProblem) return JSON.stringify({ error: captureProblem });
    const written = this.#writtenMessage(prepared);
    if (written) return written;
    return exit.code === 0 ? undefined : this.#tail?.text();
  }

  /** Keep artifacts and log; the container counts as running until that is done. */
  async #keep(capture: OutputCapture, prepared: PreparedContainer, succeeded: boolean): Promise<Kept> {
    const { pod, container, ports } = this.#options;
    const { view } = prepared.plan;
    const { workingDir } = prepared.input;
    const signal = AbortSignal.any([this.#saving.signal, AbortSignal.timeout(maxSavingMs)]);
    const outputs = capture.artifacts ?? [];
    const all = [await keepOutputs({ pod, outputs, view, workingDir, succeeded }, ports, signal)];
    for (const log of capture.logs ?? [])
      if (log.container === container.name) all.push(await keepLog(pod, log, prepared.logPath, ports, signal));
    return { kept: all.flatMap(({ kept }) => kept), errors: all.flatMap(({ errors }) => errors) };
  }

  #writtenMessage({ messageFile }: PreparedContainer): string | undefined {
    if (!messageFile) return undefined;
    const view = [{ path: '/', source: '/', readOnly: true }];
    const found = readText(view, messageFile, 1024 * 1024);
    return 'text' in found ? found.text.slice(-maxMessageBytes) : undefined;
  }
}
