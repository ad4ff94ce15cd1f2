import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pipe } from './fifo-pool.ts';
import { hasChildren, sendSignal } from './process-table.ts';
import type { LaunchPlan } from './runtime.ts';

/** How a process ended. `failure`: it never ran; the message says why. */
export type LaunchExit = {
  readonly code: number;
  readonly signal?: number;
  readonly failure?: { readonly reason: 'ContainerCannotRun'; readonly message: string };
};

/** A started process and everything that it started. */
export type Launched = {
  readonly pid: number | undefined;
  /** Resolves once it can be entered, or has ended. */
  readonly begun: Promise<unknown>;
  /** Resolves once the process has ended and its output was read to the end. Never rejects. */
  readonly exit: Promise<LaunchExit>;
  /** The sandbox's first process as the host sees it; undefined without a sandbox. */
  readonly childPid: Promise<number | undefined>;
  /** Its input, where one was asked for. */
  readonly stdin: Writable | undefined;
  /** Stop or go on taking its output. */
  setPaused(paused: boolean): void;
  /** SIGTERM to all processes of the group. */
  terminate(): void;
  /** SIGKILL to the whole tree. */
  kill(): void;
};

export type LaunchOutput = {
  /** One pipe takes both streams, in order; with two they are told apart. None: sockets are used. */
  readonly pipes: { readonly out: Pipe; readonly err?: Pipe } | undefined;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  /** It gets an input of its own; otherwise it reads from nothing. */
  readonly stdin?: boolean;
};

/** After a process has ended, what it left behind may hold its output open: how long to wait for the end of it. */
const drainMs = 1_000;

/** Start a planned process in a session of its own. */
export function launch(plan: LaunchPlan, output: LaunchOutput): Launched {
  const { pipes } = output;
  const out = pipes?.out.write ?? 'pipe';
  const err = pipes?.err?.write ?? pipes?.out.write ?? 'pipe';
  let child: ChildProcess;
  try {
    child = spawn(plan.file, [...argumentsOf(plan, output)], {
      cwd: plan.cwd,
      env: plan.env,
      detached: true,
      stdio: [
        output.stdin ? 'pipe' : 'ignore',
        out,
        err,
        plan.reportsStatus ? 'pipe' : 'ignore',
        ...(plan.inherit ?? []),
      ],
    });
  } catch (error) {
    closePipes(pipes, ['read', 'write']);
    return notLaunched(cannotRun(error, plan));
  }
  closePipes(pipes, ['write']);
  const streams = readOutput(child, output);
  const report = plan.reportsStatus ? new StatusReport(child.stdio[3] as Readable) : undefined;
  const signals = signalsOf(child, plan, report);
  const flow = { paused: false };
  const exit = waitForEnd({ child, streams, plan, report, flow });
  child.stdin?.on('error', () => child.stdin?.destroy());
  return {
    pid: child.pid,
    begun: begunOf(plan, exit),
    exit,
    childPid: report?.childPid ?? Promise.resolve(undefined),
    stdin: child.stdin ?? undefined,
    setPaused(paused) {
      flow.paused = paused;
      for (const stream of streams)
        if (paused) stream.pause();
        else stream.resume();
    },
    terminate: () => signals.terminate(),
    kill: () => signals.kill(),
  };
}

/** Another process opens the pipes by where this one has them. What has an input needs the client to carry it. */
function argumentsOf({ args, container }: LaunchPlan, { pipes, stdin }: LaunchOutput): readonly string[] {
  if (!pipes || stdin || !container?.redirected) return args;
  const place = (pipe: Pipe): string => `/proc/${process.pid}/fd/${pipe.read}`;
  return container.redirected(place(pipes.out), place(pipes.err ?? pipes.out));
}

const lookForPidMs = 10;

/** Where a client starts the process, its pid says that there is one. */
async function begunOf({ container }: LaunchPlan, exit: Promise<unknown>): Promise<void> {
  if (container?.pidFile === undefined) return;
  let over = false;
  const ended = exit.then(() => (over = true));
  while (!over && pidIn(container.pidFile) === undefined) await Promise.race([ended, delay(lookForPidMs)]);
}

function signalsOf(child: ChildProcess, plan: LaunchPlan, report: StatusReport | undefined) {
  if (plan.container) return new ClientSignals(child, plan.container.pidFile);
  return report ? new SandboxSignals(child, report) : new GroupSignals(child);
}

function notLaunched(exit: LaunchExit): Launched {
  const none = Promise.resolve(undefined);
  const nothing = (): void => undefined;
  return {
    pid: undefined,
    begun: none,
    exit: Promise.resolve(exit),
    childPid: none,
    stdin: undefined,
    setPaused: nothing,
    terminate: nothing,
    kill: nothing,
  };
}

function closePipes(pipes: LaunchOutput['pipes'], ends: readonly (keyof Pipe)[]): void {
  for (const pipe of [pipes?.out, pipes?.err]) if (pipe) for (const end of ends) closeSync(pipe[end]);
}

function readOutput(child: ChildProcess, { pipes, onOutput }: LaunchOutput): readonly Readable[] {
  const streams: Readable[] = [];
  const add = (name: 'stdout' | 'stderr', stream: Readable | null): void => {
    if (!stream) return;
    stream.on('data', (chunk: Uint8Array) => onOutput(name, chunk));
    stream.on('error', () => stream.destroy());
    streams.push(stream);
  };
  const socket = (pipe: Pipe): Readable => new Socket({ fd: pipe.read, readable: true, writable: false });
  add('stdout', pipes ? socket(pipes.out) : child.stdout);
  add('stderr', pipes?.err ? socket(pipes.err) : child.stderr);
  return streams;
}

type Running = {
  readonly child: ChildProcess;
  readonly streams: readonly Readable[];
  readonly plan: LaunchPlan;
  readonly report: StatusReport | undefined;
  readonly flow: { readonly paused: boolean };
};

const clientStarter = 'ctr: ';

async function waitForEnd({ child, streams, plan, report, flow }: Running): Promise<LaunchExit> {
  const ended = Promise.withResolvers<LaunchExit>();
  child.once('error', (error) => {
    if (child.pid === undefined) ended.resolve(cannotRun(error, plan));
  });
  child.once('exit', (code, signal) => {
    if (!report && child.pid !== undefined) sendSignal(-child.pid, 'SIGKILL');
    ended.resolve(toExit(code, signal));
  });
  const closed = streams.map((stream) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    stream.once('close', resolve);
    return promise;
  });
  let tail = '';
  const starter = plan.container ? clientStarter : 'bwrap: ';
  if (report ?? plan.container?.pidFile) {
    for (const stream of streams) stream.on('data', (chunk: Uint8Array) => (tail = tailText(tail, chunk, starter)));
  }
  const exit = await ended.promise;
  // Whoever takes the output slowly still gets all of it.
  const cut = setInterval(() => {
    if (!flow.paused) for (const stream of streams) stream.destroy();
  }, drainMs);
  await Promise.all(closed);
  clearInterval(cut);
  if (exit.failure) return exit;
  if (report) return startedExit(exit, await report.ended, tail, starter);
  const pidFile = plan.container?.pidFile;
  return pidFile === undefined ? exit : startedExit(exit, pidIn(pidFile) !== undefined, tail, starter);
}

/** What the starter may have said: the first words where it comes before the command, else the last. */
function tailText(before: string, chunk: Uint8Array, starter: string): string {
  if (starter === clientStarter) return (before + Buffer.from(chunk.subarray(-1_024)).toString()).slice(-1_024);
  if (before.length > 0 && !before.startsWith(starter)) return before;
  return (before + Buffer.from(chunk.subarray(0, 1_024)).toString()).slice(0, 1_024);
}

/** A starter that could not start the command has printed why. */
function startedExit(exit: LaunchExit, ran: boolean, tail: string, starter: string): LaunchExit {
  if (ran || exit.code > 128) return exit.code > 128 ? { code: exit.code, signal: exit.code - 128 } : exit;
  const at = tail.lastIndexOf(starter);
  const message =
    (at < 0 ? '' : (tail.slice(at + starter.length).split('\n')[0] ?? '')).trim() || 'the container could not be made';
  const missing = /^execvp .*: No such file|exec: ".*": .*(?:no such file|not found)/.test(message);
  return { code: missing ? 127 : 128, failure: { reason: 'ContainerCannotRun', message: hint(message, missing) } };
}

function cannotRun(error: unknown, plan: LaunchPlan): LaunchExit {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = error instanceof Error ? error.message : String(error);
  const missing = code === 'ENOENT';
  const message = missing ? `exec ${JSON.stringify(plan.file)}: no such file or directory` : text;
  const exitCode = missing ? 127 : code === 'EACCES' ? 126 : 128;
  return { code: exitCode, failure: { reason: 'ContainerCannotRun', message: hint(message, missing) } };
}

function hint(message: string, missing: boolean): string {
  return missing ? `${message}; the command must be in the image or among the tools of this machine` : message;
}

function toExit(code: number | null, signal: NodeJS.Signals | null): LaunchExit {
  if (signal === null) return { code: code ?? 0 };
  const number = constants.signals[signal];
  return { code: 128 + number, signal: number };
}

function pidIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** How long a client may take to hand a signal on before it is killed itself. */
const handOnMs = 500;

/** Signals for what runs elsewhere on behalf of the child: to its own process where that is known, else through the child. */
class ClientSignals {
  readonly #child: ChildProcess;
  readonly #pidFile: string | undefined;
  constructor(child: ChildProcess, pidFile: string | undefined) {
    this.#child = child;
    this.#pidFile = pidFile;
  }
  terminate(): void {
    this.#send('SIGTERM');
  }
  kill(): void {
    if (this.#send('SIGKILL')) return;
    this.#child.kill('SIGTERM');
    setTimeout(() => this.#child.kill('SIGKILL'), handOnMs).unref();
  }
  #send(signal: NodeJS.Signals): boolean {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return true;
    const pid = this.#pidFile === undefined ? undefined : pidIn(this.#pidFile);
    if (pid !== undefined) return sendSignal(pid, signal);
    // A client hands on what it may; nothing can be handed on of a SIGKILL.
    return signal === 'SIGTERM' && this.#child.kill(signal);
  }
}

class GroupSignals {
  readonly #child: ChildProcess;
  constructor(child: ChildProcess) {
    this.#child = child;
  }
  terminate(): void {
    this.#send('SIGTERM');
  }
  kill(): void {
    this.#send('SIGKILL');
  }
  #send(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) sendSignal(-pid, signal);
  }
}

/** The group of the sandbox's first process is not that of bubblewrap outside, which must not get the signal. */
class SandboxSignals {
  readonly #child: ChildProcess;
  readonly #report: StatusReport;
  constructor(child: ChildProcess, report: StatusReport) {
    this.#child = child;
    this.#report = report;
  }
  terminate(): void {
    void this.#report.childPid.then((pid) => {
      if (!this.#running() || pid === undefined) return;
      // The command has not begun: nobody there could end gracefully, and the signal would be lost.
      if (!hasChildren(pid) || !sendSignal(-pid, 'SIGTERM')) this.kill();
    });
  }
  kill(): void {
    // The namespace dies with its first process, and that one with bubblewrap.
    void this.#report.childPid.then((pid) => {
      if (this.#running() && pid !== undefined) sendSignal(pid, 'SIGKILL');
      if (this.#running()) this.#child.kill('SIGKILL');
    });
  }
  #running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
}

/** Reads bubblewrap's `--json-status-fd`: one JSON object a line. */
class StatusReport {
  readonly childPid: Promise<number | undefined>;
  /** True when the command ran: its exit code was reported. */
  readonly ended: Promise<boolean>;
  constructor(stream: Readable) {
    const pid = Promise.withResolvers<number | undefined>();
    const end = Promise.withResolvers<boolean>();
    this.childPid = pid.promise;
    this.ended = end.promise;
    let text = '';
    stream.on('data', (chunk: Uint8Array) => {
      text = (text + Buffer.from(chunk).toString()).slice(-4_096);
      const found = /"child-pid": (\d+)/.exec(text);
      if (found) pid.resolve(Number(found[1]));
      if (/"exit-code": \d+/.test(text)) end.resolve(true);
    });
    stream.on('error', () => stream.destroy());
    stream.on('close', () => {
      pid.resolve(undefined);
      end.resolve(false);
    });
  }
}
