import type { Duplex, Writable } from 'node:stream';
import { Refusal } from './forge-context.ts';
import { decodePackets, encodePacket, flushPacket } from './pkt-line.ts';
import type { PullPush, PullPushOutcome } from './pull-requests.ts';
import { zeroId } from './spool.ts';

/** The server's end of the proc-receive hook: `packets` goes both ways, `text` reaches the pusher as "remote: …". */
export type ProcReceivePipes = { readonly packets: Duplex; readonly text: Writable };

export type ProcReceivePorts = {
  readonly pusher: string;
  readonly pushPull: (push: PullPush) => Promise<PullPushOutcome>;
  readonly pullUrl: (number: number) => string;
  /** Called with what went wrong besides refusals. */
  readonly onError: (error: unknown) => void;
};

const maxCommands = 20;
const maxOptions = 32;

/**
 * Speak git's proc-receive protocol (githooks(5)) for pushes to `refs/for/*`. Returns when the hook has its answer, or at
 * once when the push has no such ref and the pipes close unused.
 */
export async function serveProcReceive({ packets, text }: ProcReceivePipes, ports: ProcReceivePorts): Promise<void> {
  let spoken = false;
  try {
    const frames = decodePackets(packets);
    const version = await readSection(frames, 1);
    if (!version) return;
    spoken = true;
    const wantsOptions = (version[0] ?? '').includes('push-options');
    packets.write(Buffer.concat([encodePacket(`version=1\0${wantsOptions ? 'push-options' : ''}`), flushPacket]));
    const commands = (await readSection(frames, maxCommands)) ?? [];
    const options = wantsOptions ? ((await readSection(frames, maxOptions)) ?? []) : [];
    const answer: Buffer[] = [];
    for (const command of commands) answer.push(...(await answerCommand(command, parseOptions(options), text, ports)));
    packets.write(Buffer.concat([...answer, flushPacket]));
  } catch (error) {
    // Pipes that break before the hook spoke belong to a push that was cut off.
    if (spoken) ports.onError(error);
  } finally {
    packets.end();
    text.end();
  }
}

/** Packets up to a flush as text; undefined when the stream ended before one came. */
async function readSection(frames: AsyncGenerator<Buffer | 'flush'>, limit: number): Promise<string[] | undefined> {
  const lines: string[] = [];
  for (;;) {
    const { value, done } = await frames.next();
    if (done) return undefined;
    if (value === 'flush') return lines;
    if (lines.length >= limit) throw new Error(`more than ${limit} packets in one section`);
    lines.push(value.toString('utf8').replace(/\n$/, ''));
  }
}

type PushOptions = Pick<PullPush, 'topic' | 'title' | 'description'>;

function parseOptions(lines: readonly string[]): PushOptions {
  const options: Record<string, string> = {};
  for (const line of lines) {
    const equals = line.indexOf('=');
    const name = line.slice(0, equals);
    if (equals > 0 && (name === 'topic' || name === 'title' || name === 'description')) {
      options[name] = line.slice(equals + 1);
    }
  }
  return options;
}

async function answerCommand(
  command: string,
  options: PushOptions,
  text: Writable,
  { pusher, pushPull, pullUrl, onError }: ProcReceivePorts,
): Promise<Buffer[]> {
  const [, sha = '', ref = ''] = command.split(' ');
  const refuse = (reason: string): Buffer[] => [
    encodePacket(`ng ${ref} ${reason.replaceAll('\n', ' ').slice(0, 400)}`),
  ];
  if (sha === zeroId)
    return refuse('a pull request is closed with `sluice pr close` or the API, not by deleting a ref');
  if (options.topic !== undefined && !/^[^\s\p{Cc}]{1,200}$/u.test(options.topic)) {
    return refuse('a topic has 1 to 200 characters and no white space');
  }
  try {
    const outcome = await pushPull({ target: ref.replace(/^refs\/for\//, ''), sha, pusher, ...options });
    const { pull, kind, previousSha, forced } = outcome;
    text.write(`${verbs[kind]} pull request #${pull.number} ${pullUrl(pull.number)}\n`);
    return [
      `ok ${ref}`,
      `option refname refs/pull/${pull.number}/head`,
      `option old-oid ${previousSha}`,
      `option new-oid ${pull.headSha}`,
      ...(forced ? ['option forced-update'] : []),
    ].map((line) => encodePacket(line));
  } catch (error) {
    if (error instanceof Refusal) return refuse(error.message);
    onError(error);
    return refuse('the server failed; its log says why');
  }
}

const verbs = { opened: 'opened', updated: 'updated', unchanged: 'nothing new for' } as const;
