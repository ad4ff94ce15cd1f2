import type { Readable, Writable } from 'node:stream';
import { enterContainer, type RunningContainer } from './enter-container.ts';
import type { Launched } from './launch.ts';
import { resizeTerminal, terminalProgram, type TerminalSize } from './terminal.ts';

/** What a client sends to and takes from a process. The streams are the client's: `stdin` is read, the others written. */
export type SessionStreams = {
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  readonly onResize: (listener: (size: TerminalSize) => void) => void;
  /** Fires when the client has gone. */
  readonly signal: AbortSignal;
};

/** How a session ended. `message`: the process could not be started. */
export type SessionEnd = { readonly code: number; readonly message?: string };

/** Run a command in a container for a client; ends with the command, which ends when the client goes. */
export async function execSession(
  container: RunningContainer,
  command: readonly string[],
  tty: boolean,
  streams: SessionStreams,
): Promise<SessionEnd> {
  if (tty && terminalProgram() === undefined) {
    const warning = 'warning: no terminal: the program "script" of util-linux is not installed on the node\n';
    (streams.stderr ?? streams.stdout)?.write(warning);
  }
  let launched: Launched | undefined;
  let full = 0;
  const onOutput = (stream: 'stdout' | 'stderr', chunk: Uint8Array): void => {
    const target = streams[stream] ?? (tty ? streams.stdout : undefined);
    if (!target || streams.signal.aborted || target.write(chunk)) return;
    full++;
    launched?.setPaused(true);
    target.once('drain', () => {
      if (--full === 0) launched?.setPaused(false);
    });
  };
  launched = await enterContainer(container, command, {
    onOutput,
    terminal: tty,
    stdin: streams.stdin !== undefined,
  });
  const process = launched;
  const end = (): void => {
    process.setPaused(false);
    process.kill();
  };
  streams.signal.addEventListener('abort', end, { once: true });
  if (streams.signal.aborted) end();
  if (process.stdin) streams.stdin?.pipe(process.stdin);
  if (tty) {
    streams.onResize((size) => {
      if (process.pid !== undefined) void resizeTerminal(process.pid, size);
    });
  }
  const { code, failure } = await process.exit;
  streams.signal.removeEventListener('abort', end);
  if (process.stdin) streams.stdin?.unpipe(process.stdin);
  return failure ? { code, message: failure.message } : { code };
}
