import { PassThrough } from 'node:stream';
import type { WebSocket } from 'ws';
import { isRecord } from '../objects/json.ts';
import { ChannelSocket, closeChannel } from './channel-socket.ts';
import type { SessionEnd, SessionStreams, TerminalSize } from './pod-sessions.ts';

/** The protocols of exec and attach that are spoken, the best first. v5 differs by its message that closes a channel. */
export const commandProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

/** Which streams the client asked for. */
export type WantedStreams = { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };

/** Join a WebSocket to a session until either ends. The last message is a Status on channel 3. */
export async function serveCommand(
  socket: WebSocket,
  wanted: WantedStreams,
  begin: (streams: SessionStreams) => Promise<SessionEnd>,
): Promise<void> {
  const stdin = new PassThrough({ highWaterMark: 256 * 1024 });
  stdin.on('error', () => undefined);
  const sizes = new Sizes();
  const channel = new ChannelSocket(socket, (number, bytes) => {
    if (number === channels.resize) sizes.add(bytes);
    else if (number === closeChannel && bytes[0] === channels.stdin) stdin.end();
    else if (number === channels.stdin && !stdin.writableEnded && !stdin.write(bytes)) channel.pauseFor(stdin);
  });
  const first = wanted.stdout ? channels.stdout : wanted.stderr ? channels.stderr : channels.error;
  void channel.send(first, new Uint8Array());
  const stdout = wanted.stdout ? channel.writable(channels.stdout) : undefined;
  const stderr = wanted.stderr ? channel.writable(channels.stderr) : undefined;
  const end = await begin({
    ...(wanted.stdin ? { stdin } : {}),
    ...(stdout ? { stdout } : {}),
    ...(stderr ? { stderr } : {}),
    onResize: (listener) => sizes.listen(listener),
    signal: channel.gone,
  }).catch((error: unknown): SessionEnd => {
    return { code: -1, message: error instanceof Error ? error.message : String(error) };
  });
  await Promise.all([stdout, stderr].flatMap((stream) => (stream ? [finished(stream, channel.gone)] : [])));
  stdin.destroy();
  await channel.send(channels.error, Buffer.from(JSON.stringify(statusOf(end))));
  channel.close();
}

/** The Status that tells how a session ended, as the remote command protocol wants it. */
export function statusOf({ code, message }: SessionEnd): Record<string, unknown> {
  if (message !== undefined) {
    const text = `Internal error occurred: ${message}`;
    const details = { causes: [{ message }] };
    return { metadata: {}, status: 'Failure', message: text, reason: 'InternalError', details, code: 500 };
  }
  if (code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

function finished(stream: NodeJS.WritableStream, gone: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (gone.aborted) resolve();
  gone.addEventListener('abort', () => resolve(), { once: true });
  stream.end(() => resolve());
  return promise;
}

/** Keeps the last size until somebody listens. */
class Sizes {
  #last: TerminalSize | undefined;
  #listener: ((size: TerminalSize) => void) | undefined;

  add(bytes: Buffer): void {
    const size = parseSize(bytes.toString());
    if (!size) return;
    this.#last = size;
    this.#listener?.(size);
  }

  listen(listener: (size: TerminalSize) => void): void {
    this.#listener = listener;
    if (this.#last) listener(this.#last);
  }
}

const maxSide = 65_535;

function parseSize(text: string): TerminalSize | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { Width: width, Height: height } = value;
  const isSide = (side: unknown): side is number =>
    Number.isInteger(side) && Number(side) > 0 && Number(side) <= maxSide;
  return isSide(width) && isSide(height) ? { width, height } : undefined;
}
