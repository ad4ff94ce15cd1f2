import { fetchText, shownUrl } from '@sluice/artifacts';
import { argoEnvironment, evaluateCondition, type Value } from '@sluice/expr';
import type { JsonObject, PodTask } from '@sluice/model';
import type { TaskContext, TaskEnd } from '@sluice/node-agent';
import type { ExecutorPorts } from './ports.ts';
import { TaskError } from './task-error.ts';

const defaultTimeoutMs = 60_000;
const maxBodyBytes = 256 * 1_024;

type Header = {
  readonly name?: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name?: string; readonly key?: string } };
};

/** Send the request of an HTTP template; its result is the body of the answer. */
export async function runHttp(
  { http }: Extract<PodTask, { kind: 'http' }>,
  context: TaskContext,
  { resolveHost }: ExecutorPorts,
): Promise<TaskEnd> {
  const {
    url,
    method = 'GET',
    timeoutSeconds,
    successCondition,
    insecureSkipVerify,
  } = http as {
    readonly url?: string;
    readonly method?: string;
    readonly timeoutSeconds?: number;
    readonly successCondition?: string;
    readonly insecureSkipVerify?: boolean;
  };
  if (url === undefined || !URL.canParse(url)) throw new TaskError('http.url is not a URL');
  const timeoutMs = timeoutSeconds === undefined ? defaultTimeoutMs : Number(timeoutSeconds) * 1_000;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1))]);
  const body = bodyOf(http);
  const answer = await fetchText({
    method,
    url: new URL(url),
    headers: await headersOf(http, context),
    ...(body === undefined ? {} : { body }),
    maxBytes: maxBodyBytes,
    insecure: insecureSkipVerify === true,
    resolveHost: (host) => resolveHost(context.namespace, host),
    signal,
  }).catch((error: unknown) => {
    if (signal.aborted && !context.signal.aborted)
      throw new TaskError(`${shownUrl(new URL(url))}: no answer within ${timeoutMs / 1_000} s`, { cause: error });
    throw error;
  });
  context.print(`${method} ${shownUrl(new URL(url))}: ${answer.status}`);
  const outputs = { result: answer.body };
  const failure = successCondition ? conditionFailure(successCondition, http, answer) : statusFailure(answer.status);
  return failure === undefined ? { code: 0, outputs } : { code: 1, message: failure };
}

function statusFailure(status: number): string | undefined {
  return status >= 200 && status < 300 ? undefined : `received non-2xx response code: ${status}`;
}

type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
};

function conditionFailure(condition: string, http: JsonObject, answer: Answer): string | undefined {
  const headers: Value = new Map(
    Object.entries(answer.headers).map(([name, values]) => [canonical(name), [...values]]),
  );
  const response: Value = new Map<Value, Value>([
    ['statusCode', BigInt(answer.status)],
    ['body', answer.body],
    ['headers', headers],
  ]);
  const request: Value = new Map<Value, Value>([
    ['method', typeof http['method'] === 'string' ? http['method'] : 'GET'],
    ['url', typeof http['url'] === 'string' ? http['url'] : ''],
    ['body', typeof http['body'] === 'string' ? http['body'] : ''],
  ]);
  const environment = new Map(argoEnvironment([]));
  environment.set('response', response);
  environment.set('request', request);
  const result = evaluateCondition(condition, environment);
  if (!result.ok) return `successCondition: ${result.message}`;
  return result.value
    ? undefined
    : `successCondition '${condition}' evaluated false, the response code is ${answer.status}`;
}

/** As Go spells header names: `Content-Type`. */
function canonical(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_all, dash: string, letter: string) => dash + letter.toUpperCase());
}

async function headersOf(http: JsonObject, { secret }: TaskContext): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const { name = '', value, valueFrom } of Array.isArray(http['headers']) ? (http['headers'] as Header[]) : []) {
    const reference = valueFrom?.secretKeyRef;
    headers[name.toLowerCase()] = reference ? await secret(reference.name ?? '', reference.key ?? '') : (value ?? '');
  }
  return headers;
}

function bodyOf(http: JsonObject): string | Uint8Array | undefined {
  const { body, bodyFrom } = http as { readonly body?: string; readonly bodyFrom?: { readonly bytes?: string } };
  if (bodyFrom?.bytes !== undefined) return Buffer.from(bodyFrom.bytes, 'base64');
  return body;
}
