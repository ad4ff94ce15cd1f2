import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

type Line = Readonly<Record<string, unknown>>;

/** A program of ours in a process of its own, as its tests meet it: by its log, its figures and its exit code. */
export class ProgramProcess {
  readonly #child: ChildProcess;
  readonly #lines: Line[] = [];
  #more = Promise.withResolvers<void>();

  /** Figures are served on a free port of 127.0.0.1. `env` is the rest of the environment. */
  constructor(main: string, env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, ['--conditions=@sluice/source', main], {
      env: { SLUICE_METRICS: '127.0.0.1:0', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (!this.#child.stderr) throw new Error('the program has no standard error');
    const lines = createInterface({ input: this.#child.stderr });
    lines.on('line', (text) => this.#note(text.startsWith('{') ? (JSON.parse(text) as Line) : { msg: text }));
    lines.on('close', () => this.#note({ msg: 'the program has ended' }));
  }

  /** The first line of the log with this message; rejects with the log when the program ends or falls silent. */
  async said(message: string): Promise<Line> {
    for (let at = 0; ; at++) {
      while (at >= this.#lines.length) await this.#more.promise;
      const line = this.#lines[at];
      if (line?.['msg'] === message) return line;
      if (line?.['msg'] === 'the program has ended') throw new Error(`never said "${message}": ${this.#log()}`);
    }
  }

  /** Ask the address where figures are served. */
  async get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const { url } = await this.said('metrics served');
    const response = await fetch(`${String(url)}${path}`, { signal: AbortSignal.timeout(10_000) });
    return { status: response.status, text: await response.text() };
  }

  /** The value of a series, as `name{label="value"}`; undefined when it is not there. */
  async figure(series: string): Promise<number | undefined> {
    const { text } = await this.get('/metrics');
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  /** Tell it to stop; its exit code, null when it had to be killed. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const exit = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exit;
    return this.#child.exitCode;
  }

  #note(line: Line): void {
    this.#lines.push(line);
    this.#more.resolve();
    this.#more = Promise.withResolvers<void>();
  }

  #log(): string {
    return this.#lines
      .slice(-20)
      .map((line) => JSON.stringify(line))
      .join('\n');
  }
}
