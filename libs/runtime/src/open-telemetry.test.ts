import { expect, onTestFinished, test } from 'vitest';
import { readBody } from './http.ts';
import { serveHttp } from './http-server.ts';
import { createTracer } from './open-telemetry.ts';

type Span = { readonly name: string; readonly spanId: string; readonly parentSpanId?: string; readonly status: object };
type Sent = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly object[] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
};

/** A collector that keeps what it is sent. */
async function collector(): Promise<{ url: string; sent: { path: string; body: Sent }[] }> {
  const sent: { path: string; body: Sent }[] = [];
  const server = await serveHttp(
    async ({ path, body }) => {
      sent.push({ path, body: JSON.parse(new TextDecoder().decode(await readBody(body, 1 << 20))) as Sent });
      return { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' };
    },
    { host: '127.0.0.1', port: 0 },
  );
  onTestFinished(() => server.close(0));
  return { url: server.url, sent };
}

test('spans reach a collector with their parents, the service and what failed', async () => {
  const { url, sent } = await collector();
  const tracer = await createTracer({ endpoint: `${url}/`, serviceName: 'workflow-controller' });
  await tracer.span('reconcile', { key: 'default/a' }, async () => {
    await tracer.span('request', { method: 'GET' }, async () => {});
    const failed = tracer.span('request', { method: 'PUT' }, async () => Promise.reject(new Error('refused')));
    await expect(failed).rejects.toThrow('refused');
  });
  await tracer.close();
  expect(sent.map(({ path }) => path)).toEqual(['/v1/traces']);
  const [resource] = sent[0]?.body.resourceSpans ?? [];
  expect(resource?.resource.attributes).toContainEqual({
    key: 'service.name',
    value: { stringValue: 'workflow-controller' },
  });
  const [get, put, reconcile] = resource?.scopeSpans[0]?.spans ?? [];
  expect([get?.name, put?.name, reconcile?.name]).toEqual(['request', 'request', 'reconcile']);
  expect(get?.parentSpanId).toBe(reconcile?.spanId);
  expect(put?.parentSpanId).toBe(reconcile?.spanId);
  expect(reconcile?.parentSpanId).toBeUndefined();
  expect(put?.status).toEqual({ code: 2, message: 'refused' });
});

test('a collector that is not there costs the program nothing', async () => {
  const tracer = await createTracer({ endpoint: 'http://127.0.0.1:1', serviceName: 'x' });
  expect(await tracer.span('reconcile', {}, async () => 7)).toBe(7);
});
