import { type ClusterOptions, requireContext } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatAge, formatObject, parseFormat, showListing } from '../output.ts';

/** `--receiver` and SLUICE_LOG_TOKEN name a receiver of a real cluster; without them it is the embedded one's. */
export type DeliveryOptions = ClusterOptions & { readonly receiver?: string; readonly output?: string };

type Delivery = {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly error?: string;
  readonly delivery?: string;
  readonly event?: string;
  readonly repository?: string;
  readonly receivedAt?: string;
};

const timeoutMs = 15_000;

/** `sluice deliveries list`: what was accepted and what became of it. */
export async function listDeliveriesCommand(
  options: DeliveryOptions & { readonly limit: string },
  io: Io,
): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
    throw new CommandError(exitCodes.usage, `--limit ${options.limit}: must be a number from 1 to 1000`);
  }
  const list = (await call(options, io, 'GET', `?limit=${limit}`)) as readonly Delivery[];
  showListing(io, format, {
    columns: ['ID', 'STATE', 'EVENT', 'REPOSITORY', 'ATTEMPTS', 'AGE', 'ERROR'],
    rows: list.map(({ id, state, event = '-', repository = '-', attempts, receivedAt, error = '' }) => {
      return [id.slice(0, 12), state, event, repository, String(attempts), formatAge(receivedAt, io.now()), error];
    }),
    objects: list,
    names: list.map(({ id }) => id),
    empty: 'no deliveries are remembered',
  });
  return exitCodes.ok;
}

/** `sluice deliveries show ID`: one delivery with what the forge sent. */
export async function showDeliveryCommand(id: string, options: DeliveryOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const found = await call(options, io, 'GET', `/${await fullId(id, options, io)}`);
  io.out(formatObject(format === 'json' ? 'json' : 'yaml', found));
  return exitCodes.ok;
}

/** `sluice deliveries replay ID`: handle one again. What it started before is not started twice. */
export async function replayDeliveryCommand(id: string, options: DeliveryOptions, io: Io): Promise<ExitCode> {
  const full = await fullId(id, options, io);
  await call(options, io, 'POST', `/${full}/replay`);
  io.out(`delivery ${full.slice(0, 12)} is handled again`);
  return exitCodes.ok;
}

/** Ids are long: the beginning of one will do where only one fits. */
async function fullId(id: string, options: DeliveryOptions, io: Io): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(id)) return id;
  if (!/^[0-9a-f]{6,63}$/.test(id)) {
    throw new CommandError(exitCodes.usage, `${JSON.stringify(id)} is not the id of a delivery: 6 to 64 hex digits`);
  }
  const list = (await call(options, io, 'GET', '?limit=1000')) as readonly Delivery[];
  const fitting = list.filter((delivery) => delivery.id.startsWith(id));
  const [only] = fitting;
  if (only && fitting.length === 1) return only.id;
  const message = fitting.length === 0 ? `there is no delivery ${id}` : `${fitting.length} deliveries begin with ${id}`;
  throw new CommandError(exitCodes.notFound, `${message}; see: sluice deliveries list`);
}

async function call(options: DeliveryOptions, io: Io, method: string, path: string): Promise<unknown> {
  const { url, token } = receiverOf(options, io);
  let response: Response;
  try {
    const signal = AbortSignal.any([io.signal, AbortSignal.timeout(timeoutMs)]);
    response = await fetch(`${url}/deliveries${path}`, {
      method,
      signal,
      headers: { authorization: `Bearer ${token}` },
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(exitCodes.unreachable, `the webhook receiver at ${url} could not be reached: ${why}`);
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as unknown;
  const codes: Readonly<Record<number, ExitCode>> = { 401: exitCodes.denied, 404: exitCodes.notFound };
  throw new CommandError(codes[response.status] ?? exitCodes.failed, messageOf(text, response.status));
}

function receiverOf(options: DeliveryOptions, io: Io): { readonly url: string; readonly token: string } {
  if (options.receiver === undefined) {
    const { receiverUrl, token } = requireContext(io, options);
    return { url: receiverUrl, token };
  }
  const token = io.env['SLUICE_LOG_TOKEN'] ?? '';
  if (token) return { url: options.receiver.replace(/\/+$/, ''), token };
  throw new CommandError(exitCodes.usage, '--receiver needs the token of its delivery log in SLUICE_LOG_TOKEN');
}

function messageOf(text: string, status: number): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // not ours: say the status
  }
  return `the webhook receiver answered ${status}; does it keep a delivery log (SLUICE_LOG_TOKEN)?`;
}
