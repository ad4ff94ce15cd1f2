import type { HttpHandler, HttpRequest, HttpResponse } from '@sluice/runtime';
import type { Random } from './random.ts';

/** What a network and a server do to requests. Probabilities of each, for each request or chunk. */
export type FaultRates = {
  /** The request never arrives. */
  readonly dropRequest: number;
  /** The request is done, its answer is lost. */
  readonly dropAnswer: number;
  readonly delay: number;
  readonly truncate: number;
  /** The network delivers a request twice. */
  readonly duplicate: number;
  readonly conflict: number;
  readonly tooMany: number;
  readonly serverError: number;
  readonly staleList: number;
  readonly expired: number;
  /** A watch is cut with an error, in the middle of a line, or carries on without a word. For each chunk. */
  readonly cutWatch: number;
  readonly tearWatch: number;
  readonly silenceWatch: number;
  readonly duplicateEvent: number;
};

/** Every fault there is, often enough that a run of some minutes sees them all. */
export const manyFaults: FaultRates = {
  dropRequest: 0.05,
  dropAnswer: 0.05,
  delay: 0.15,
  truncate: 0.03,
  duplicate: 0.03,
  conflict: 0.03,
  tooMany: 0.03,
  serverError: 0.05,
  staleList: 0.2,
  expired: 0.1,
  cutWatch: 0.02,
  tearWatch: 0.02,
  silenceWatch: 0.01,
  duplicateEvent: 0.1,
};

const maxRemembered = 16;

export type FaultSource = {
  readonly random: Random;
  /** Least and most that every message takes, faults or none: a story in which nothing takes time may never end. */
  readonly latencyMs: readonly [number, number];
  /** Longest time that a message takes. Shorter than the time between a leader's deadline and the end of its lease. */
  readonly maxDelayMs: number;
  /** The rates that hold now; undefined when all is well. */
  rates(): FaultRates | undefined;
  readonly counts: Map<string, number>;
};

/** A handler behind a network that does what `faults` says. */
export function faultyTransport(handler: HttpHandler, faults: FaultSource): HttpHandler {
  const lists = new Map<string, HttpResponse>();
  return async (request) => {
    const rates = faults.rates();
    const watch = /[?&]watch=true/.test(request.path);
    await wait(faults.random.between(...faults.latencyMs), request.signal);
    if (watch) return watchBehind(handler, request, faults);
    if (!rates) return remember(lists, request, await handler(request));
    const hits = (name: keyof FaultRates): boolean => happens(faults, rates, name);
    if (hits('delay')) await wait(faults.random.between(1, faults.maxDelayMs), request.signal);
    if (hits('dropRequest')) throw lost('ECONNRESET');
    if (hits('tooMany')) return refusal(429, 'TooManyRequests', { 'retry-after': String(faults.random.between(1, 3)) });
    if (hits('serverError')) return refusal(500, 'InternalError');
    const isList = request.method === 'GET' && isCollection(request.path);
    if (isList && request.path.includes('continue=') && hits('expired')) return refusal(410, 'Expired');
    const stale = lists.get(request.path);
    if (stale && hits('staleList')) return stale;
    if (request.method !== 'GET' && hits('conflict')) return refusal(409, 'Conflict');
    const answer = remember(lists, request, await handler(request));
    if (request.method !== 'GET' && hits('duplicate')) await handler(request);
    if (hits('dropAnswer')) throw lost('ECONNRESET');
    if (hits('truncate')) return truncated(answer, faults.random);
    return answer;
  };
}

async function watchBehind(handler: HttpHandler, request: HttpRequest, faults: FaultSource): Promise<HttpResponse> {
  const rates = faults.rates();
  if (rates && happens(faults, rates, 'dropRequest')) throw lost('ECONNREFUSED');
  if (rates && happens(faults, rates, 'serverError')) return refusal(500, 'InternalError');
  if (rates && happens(faults, rates, 'expired')) return refusal(410, 'Expired');
  const response = await handler(request);
  const { body } = response;
  if (response.status !== 200 || typeof body !== 'object' || body instanceof Uint8Array) return response;
  return { ...response, body: chunksBehind(body, faults, request.signal) };
}

async function* chunksBehind(
  body: AsyncIterable<Uint8Array>,
  faults: FaultSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    const rates = faults.rates();
    if (!rates) {
      yield chunk;
      continue;
    }
    if (happens(faults, rates, 'delay')) await wait(faults.random.between(1, faults.maxDelayMs), signal);
    if (happens(faults, rates, 'silenceWatch')) return await untilAborted(signal);
    if (happens(faults, rates, 'tearWatch')) {
      yield chunk.subarray(0, faults.random.between(0, chunk.length - 1));
      return;
    }
    yield chunk;
    if (happens(faults, rates, 'duplicateEvent') && chunk.at(-1) === 10) yield lastLine(chunk);
    if (happens(faults, rates, 'cutWatch')) throw lost('ECONNRESET');
  }
}

function happens({ random, counts }: FaultSource, rates: FaultRates, name: keyof FaultRates): boolean {
  if (!random.chance(rates[name])) return false;
  counts.set(name, (counts.get(name) ?? 0) + 1);
  return true;
}

function lastLine(chunk: Uint8Array): Uint8Array {
  const before = chunk.subarray(0, -1).lastIndexOf(10);
  return chunk.subarray(before + 1);
}

function remember(lists: Map<string, HttpResponse>, request: HttpRequest, answer: HttpResponse): HttpResponse {
  if (request.method !== 'GET' || answer.status !== 200 || !isCollection(request.path)) return answer;
  // Tokens of pages differ each time: only the latest few answers are kept.
  lists.set(request.path, answer);
  const [oldest] = lists.keys();
  if (lists.size > maxRemembered && oldest !== undefined) lists.delete(oldest);
  return answer;
}

function isCollection(path: string): boolean {
  const [pathname = ''] = path.split('?');
  return /\/(?:configmaps|fleets|cards)$/.test(pathname);
}

function truncated(answer: HttpResponse, random: Random): HttpResponse {
  if (typeof answer.body !== 'string' || answer.body === '') return answer;
  return { ...answer, body: answer.body.slice(0, random.between(0, answer.body.length - 1)) };
}

function refusal(code: number, reason: string, headers: Record<string, string> = {}): HttpResponse {
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message: reason });
  return { status: code, headers: { 'content-type': 'application/json', ...headers }, body };
}

function lost(code: string): Error {
  return Object.assign(new Error(`the network: ${code}`), { code });
}

/** Wait; a request that is given up meanwhile never arrives. */
function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, delayMs);
  const stop = (): void => {
    clearTimeout(timer);
    reject(signal?.reason as Error);
  };
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  return promise.finally(() => signal?.removeEventListener('abort', stop));
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
