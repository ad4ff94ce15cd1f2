import { request } from 'node:https';
import type { Collection } from '../objects/collection.ts';
import { type JsonRecord, recordAt, textAt, valueAt } from '../objects/json.ts';

/** Posts a review to a webhook and gives its answer, parsed. Rejects with an Error whose message is meant for people. */
export type WebhookCall = (client: JsonRecord, review: unknown, timeoutMs: number) => Promise<unknown>;

/** Answers longer than this are refused. */
const maxAnswerBytes = 3 * 1024 * 1024;

type Address = {
  readonly url: URL;
  /** The name on the certificate, where it is not that of the URL. */
  readonly servername?: string;
  readonly ca: string | undefined;
};

/** Calls webhooks by their URL, or by the ClusterIP of their service, over TLS with the authority that they name. */
export function createWebhookCall(services: Collection): WebhookCall {
  return async (client, review, timeoutMs) => {
    const text = await post(addressOf(client, services), JSON.stringify(review), timeoutMs);
    try {
      return JSON.parse(text);
    } catch {
      throw new Error('the answer is not JSON');
    }
  };
}

function addressOf(client: JsonRecord, services: Collection): Address {
  const bundle = textAt(client, 'caBundle');
  const ca = bundle === '' ? undefined : Buffer.from(bundle, 'base64').toString();
  const url = textAt(client, 'url');
  if (url !== '') {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed?.protocol !== 'https:') throw new Error(`${JSON.stringify(url)} is not an https URL`);
    return { url: parsed, ca };
  }
  const reference = recordAt(client, 'service');
  const [namespace, name] = [textAt(reference, 'namespace'), textAt(reference, 'name')];
  const address = textAt(services.get(`${namespace}/${name}`)?.object, 'spec', 'clusterIP');
  if (address === '' || address === 'None') throw new Error(`service "${name}" not found`);
  const port = valueAt(reference, 'port');
  const path = textAt(reference, 'path').replace(/^\/*/u, '/');
  const target = new URL(`https://${address}:${typeof port === 'number' ? port : 443}`);
  target.pathname = path;
  return { url: target, servername: `${name}.${namespace}.svc`, ca };
}

function post({ url, servername, ca }: Address, body: string, timeoutMs: number): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  const headers = { 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'sluice-apiserver' };
  const options = { method: 'POST', headers, signal, ...(servername ? { servername } : {}), ...(ca ? { ca } : {}) };
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(signal.aborted ? new Error(`Post "${url.href}": context deadline exceeded`) : error);
    };
    const sent = request(url, options, (answer) => {
      const chunks: Buffer[] = [];
      let length = 0;
      answer.on('error', fail);
      answer.on('data', (chunk: Buffer) => {
        length += chunk.length;
        chunks.push(chunk);
        if (length > maxAnswerBytes) answer.destroy(new Error(`the answer is longer than ${maxAnswerBytes} bytes`));
      });
      answer.on('end', () => {
        const status = answer.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(Buffer.concat(chunks).toString());
        else reject(new Error(`the server answered with status ${status}`));
      });
    });
    sent.on('error', (error) => fail(new Error(`Post "${url.href}": ${error.message}`)));
    sent.end(body);
  });
}
