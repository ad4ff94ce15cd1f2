import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Container, HttpGet } from '../pod/pod-spec.ts';

/** How one probe or hook went. `message` says why it failed. */
export type Outcome = { readonly ok: boolean; readonly message: string };

/** GET; any status from 200 to 399 is good. Certificates are not checked, as in Kubernetes. */
export function probeHttp(get: HttpGet, container: Container, podIp: string, timeoutMs: number): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const secure = get.scheme?.toUpperCase() === 'HTTPS';
  const port = portNumber(get.port, container);
  if (port === undefined) return Promise.resolve(noPort(get.port));
  const headers = Object.fromEntries((get.httpHeaders ?? []).map(({ name, value }) => [name, value]));
  const options = {
    host: get.host ?? podIp,
    port,
    path: get.path?.startsWith('/') ? get.path : `/${get.path ?? ''}`,
    headers: { 'user-agent': 'kube-probe/sluice', accept: '*/*', connection: 'close', ...headers },
    agent: false,
    rejectUnauthorized: false,
    timeout: timeoutMs,
  } as const;
  const request = (secure ? httpsRequest : httpRequest)(options, (response) => {
    const status = response.statusCode ?? 0;
    response.destroy();
    const ok = status >= 200 && status < 400;
    resolve({ ok, message: ok ? '' : `HTTP probe failed with statuscode: ${status}` });
  });
  const cut = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  request.on('error', (error) => resolve({ ok: false, message: `Get ${options.path}: ${error.message}` }));
  request.on('close', () => clearTimeout(cut));
  request.end();
  return promise;
}

/** Connect; being accepted is good. */
export function probeTcp(
  target: { readonly port: number | string; readonly host?: string },
  container: Container,
  podIp: string,
  timeoutMs: number,
): Promise<Outcome> {
  const port = portNumber(target.port, container);
  if (port === undefined) return Promise.resolve(noPort(target.port));
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const socket = connect({ host: target.host ?? podIp, port });
  const end = (outcome: Outcome): void => {
    clearTimeout(cut);
    socket.destroy();
    resolve(outcome);
  };
  const cut = setTimeout(() => end({ ok: false, message: `no connection within ${timeoutMs} ms` }), timeoutMs);
  socket.once('connect', () => end({ ok: true, message: '' }));
  socket.once('error', (error) => end({ ok: false, message: error.message }));
  return promise;
}

/** A port by number, by a text of digits, or by the name of one of the container's ports. */
export function portNumber(port: number | string, container: Container): number | undefined {
  if (typeof port === 'number') return port;
  if (/^\d+$/.test(port)) return Number(port);
  return container.ports?.find(({ name }) => name === port)?.containerPort;
}

function noPort(port: number | string): Outcome {
  return { ok: false, message: `the container has no port named ${JSON.stringify(port)}` };
}
