import { createHash } from 'node:crypto';
import { checkShape } from '@sluice/events';
import { formatProblems } from '@sluice/model';
import { type HttpRequest, type HttpResponse, jsonResponse, type Log } from '@sluice/runtime';
import type { DeliveryJob } from '@sluice/events';
import type { HookRoute } from './hook-routes.ts';
import { dialectOf } from './hook-dialect.ts';
import { type BodyProof, readSignedBody, type SignedBody } from './signed-body.ts';

/** What taking a webhook needs. */
export type HookPorts = {
  readonly find: (route: string) => HookRoute | 'ambiguous' | undefined;
  /** False until all routes are known: an unknown one may then become known. */
  readonly ready: () => boolean;
  /** Resolves when the job is durable. */
  readonly add: (
    job: DeliveryJob,
    options: { readonly id: string; readonly key: string; readonly alias: string },
  ) => Promise<'added' | 'duplicate' | 'conflict'>;
  readonly log: Log;
  readonly now: () => number;
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  readonly addTimeoutMs: number;
  /** Bodies being read now, over all requests. */
  readonly load: { bytes: number; readonly maxBytes: number };
};

/**
 * `POST /hooks/<route>`. Refusals come in the order of what they cost; nothing leaves the process and nothing is stored
 * before the signature holds; 202 means that the delivery is durable.
 */
export async function postHook(request: HttpRequest, route: string, ports: HookPorts): Promise<HttpResponse> {
  const { headers } = request;
  const refusal = refuseHeaders(headers, ports.maxBodyBytes);
  if (refusal) return refusal;
  const target = ports.find(route);
  if (target === undefined)
    return ports.ready() ? unknownRoute() : unavailable('the list of repositories is being read');
  if (target === 'ambiguous') {
    ports.log.error('several repositories have the same webhook route', { route: `${route.slice(0, 4)}…` });
    return refuse(409, 'AmbiguousRoute', 'several repositories have this webhook route; give each its own');
  }
  if (target.secrets.length === 0) return missingSecret(target, ports);
  const proof = dialectOf(target.forge).proof(headers, target.secrets, ports.now());
  if (typeof proof === 'string') return badSignature(proof);
  const body = await readWithinLoad(request, { route, proof }, ports);
  switch (body.kind) {
    case 'too-large':
      return tooLarge(ports.maxBodyBytes);
    case 'too-slow':
      return refuse(408, 'TooSlow', `the body did not arrive within ${ports.bodyTimeoutMs} ms`);
    case 'cut-off':
      return refuse(400, 'BodyCutOff', 'the body ended before its end');
    case 'overloaded':
      return unavailable('too many deliveries at once');
    case 'read':
      return body.signed
        ? acceptBody(request, { route, target, bytes: body.bytes, digest: body.digest }, ports)
        : badSignature('the signature does not match the body and the secret of this webhook');
    default:
      return body satisfies never;
  }
}

type Proof = { readonly route: string; readonly proof: BodyProof };

async function readWithinLoad(
  { body, headers }: HttpRequest,
  { route, proof }: Proof,
  ports: HookPorts,
): Promise<SignedBody | { readonly kind: 'overloaded' }> {
  const { load, maxBodyBytes } = ports;
  const expected = Math.min(Number(headers['content-length'] ?? maxBodyBytes) || 0, maxBodyBytes);
  if (load.bytes + expected > load.maxBytes) return { kind: 'overloaded' };
  load.bytes += expected;
  try {
    return await readSignedBody(body, {
      maxBytes: headers['content-length'] === undefined ? maxBodyBytes : expected,
      timeoutMs: ports.bodyTimeoutMs,
      proof,
      salt: `${route}\n`,
    });
  } finally {
    load.bytes -= expected;
  }
}

type Verified = { readonly route: string; readonly target: HookRoute; readonly bytes: Buffer; readonly digest: string };

async function acceptBody(
  { headers }: HttpRequest,
  { route, target, bytes, digest }: Verified,
  ports: HookPorts,
): Promise<HttpResponse> {
  const dialect = dialectOf(target.forge);
  const unfit = (status: number, code: string, message: string): HttpResponse =>
    dialect.forgiving ? passedOver(ports.log, target, message) : refuse(status, code, message);
  const names = dialect.names(headers);
  if (!names) return unfit(400, 'MissingHeader', `${dialect.nameHeaders} are required`);
  const { event, delivery } = names;
  const payload = parseJson(bytes);
  if (payload === undefined) return unfit(422, 'BadPayload', 'the body is not JSON');
  const shape = checkShape({ forge: target.forge, event, payload });
  if (!shape.ok) return unfit(422, 'BadPayload', formatProblems(shape.problems));
  if (event === 'ping' || event === 'diagnostics:ping')
    return jsonResponse(200, { code: 'Pong', message: 'the webhook works', id: digest });
  const { namespace, name } = target.repository;
  const job: DeliveryJob = {
    route,
    repository: target.repository,
    event,
    delivery,
    body: bytes.toString('base64'),
    receivedAt: new Date(ports.now()).toISOString(),
  };
  const facts = { namespace, name, event, delivery };
  let outcome: Awaited<ReturnType<HookPorts['add']>>;
  try {
    const options = { id: digest, key: `${namespace}/${name}`, alias: aliasOf(route, delivery) };
    outcome = await withTimeout(ports.add(job, options), ports.addTimeoutMs);
  } catch (error) {
    ports.log.error('delivery could not be stored', { ...facts, error });
    return unavailable('the delivery could not be stored');
  }
  if (outcome === 'conflict') {
    ports.log.warn('delivery id came with two bodies', facts);
    const fix = 'a delivery keeps its body; send a new one under an id of its own';
    return unfit(409, 'DeliveryIdTaken', `delivery ${delivery} was accepted before with another body; ${fix}`);
  }
  ports.log.info(outcome === 'added' ? 'delivery accepted' : 'delivery repeated', facts);
  return outcome === 'added'
    ? jsonResponse(202, { code: 'Queued', message: `delivery ${delivery} queued`, id: digest })
    : jsonResponse(202, { code: 'Duplicate', message: `delivery ${delivery} was accepted before`, id: digest });
}

/** The forge's id of a delivery, told apart from equal ids of other routes. */
function aliasOf(route: string, delivery: string): string {
  return createHash('sha256').update(`${route}\n${delivery}`).digest('hex');
}

function refuseHeaders(headers: HttpRequest['headers'], maxBodyBytes: number): HttpResponse | undefined {
  const type = headers['content-type'] ?? '';
  if (!/^application\/json *(;|$)/i.test(type)) {
    const fix = 'set the content type of the webhook to application/json';
    return refuse(
      415,
      'UnsupportedMediaType',
      `content-type ${JSON.stringify(type.slice(0, 100))} is not read; ${fix}`,
    );
  }
  if (headers['content-encoding'] !== undefined) {
    return refuse(415, 'UnsupportedMediaType', 'a content-encoding is not read; send the body as it is');
  }
  return Number(headers['content-length'] ?? 0) > maxBodyBytes ? tooLarge(maxBodyBytes) : undefined;
}

function missingSecret({ repository }: HookRoute, { log, ready }: HookPorts): HttpResponse {
  if (!ready()) return unavailable('the secrets of the repositories are being read');
  log.error('repository has no usable webhook secret', { ...repository });
  return unavailable('this webhook has no secret yet; its Secret needs the key "secret" with at least 8 characters');
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`the queue did not answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function unknownRoute(): HttpResponse {
  return refuse(404, 'RouteNotFound', 'no repository has this webhook; compare the URL with the Repository object');
}

/** A delivery that is the forge's and of no use: answered so that the next one still comes. */
function passedOver(log: Log, { repository }: HookRoute, message: string): HttpResponse {
  log.warn('delivery passed over', { ...repository, reason: message });
  return jsonResponse(200, { code: 'PassedOver', message });
}

function badSignature(why: string): HttpResponse {
  return refuse(401, 'BadSignature', why);
}

function tooLarge(maxBytes: number): HttpResponse {
  return refuse(413, 'BodyTooLarge', `the body is longer than ${maxBytes} bytes`);
}

function unavailable(why: string): HttpResponse {
  return refuse(503, 'Unavailable', `${why}; try again`, { 'retry-after': '2' });
}

/** What was not read of the body must not be taken for the next request, so the connection ends with a refusal. */
function refuse(status: number, code: string, message: string, headers: Record<string, string> = {}): HttpResponse {
  return jsonResponse(status, { code, message }, { connection: 'close', ...headers });
}
