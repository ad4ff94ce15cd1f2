import { type HttpHandler, type MetricsRegistry, serveHttp } from '@sluice/runtime';

/** The health and metrics endpoints of an operator. */
export type Health = {
  readonly url: string;
  /** From now on `/readyz` says yes. */
  ready(): void;
  close(): Promise<void>;
};

/** Serve `/healthz`, `/readyz` and `/metrics`. Throws ListenError when the address cannot be had. */
export async function serveHealth(
  { host, port }: { readonly host: string; readonly port: number },
  metrics: MetricsRegistry,
): Promise<Health> {
  let isReady = false;
  const plain = (status: number, body: string) => ({ status, headers: { 'content-type': 'text/plain' }, body });
  const handle: HttpHandler = async ({ method, path }) => {
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET\n');
    switch (path.replace(/\?.*$/s, '')) {
      case '/healthz':
        return plain(200, 'ok\n');
      case '/readyz':
        return isReady ? plain(200, 'ok\n') : plain(503, 'the caches are not filled yet\n');
      case '/metrics':
        return { status: 200, headers: { 'content-type': metrics.contentType }, body: await metrics.text() };
      default:
        return plain(404, 'there are /healthz, /readyz and /metrics\n');
    }
  };
  const server = await serveHttp(handle, { host, port });
  return { url: server.url, ready: () => void (isReady = true), close: () => server.close() };
}
