/** What all clients under measurement ask: pods from memory, ready-made, over plain HTTP. Tells its parent where it listens. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listedPod } from './pods.ts';

const count = Number(process.argv[2]);
const watches = new Set<ServerResponse>();
const list = (from: number, to: number): Buffer => {
  const items = Array.from({ length: Math.min(to, count) - from }, (_, at) => listedPod(from + at, from + at + 1));
  const metadata = { resourceVersion: String(count), ...(to < count && { continue: String(to) }) };
  return Buffer.from(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata, items }));
};
const whole = list(0, count);
const pages = new Map<number, Buffer>();
const pageSize = 500;
for (let from = 0; from < count; from += pageSize) pages.set(from, list(from, from + pageSize));
const burst = Array.from({ length: Math.ceil(count / pageSize) }, (_, page) => {
  const lines = Array.from({ length: Math.min(pageSize, count - page * pageSize) }, (_, at) => {
    const index = page * pageSize + at;
    const object = { kind: 'Pod', apiVersion: 'v1', ...listedPod(index, count + index + 1) };
    return `${JSON.stringify({ type: 'MODIFIED', object })}\n`;
  });
  return Buffer.from(lines.join(''));
});

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  response.setHeader('content-type', 'application/json');
  if (searchParams.get('watch') === 'true') {
    watches.add(response);
    response.on('close', () => watches.delete(response));
    response.flushHeaders();
    process.send?.('watched');
    return;
  }
  const body = searchParams.has('limit') ? pages.get(Number(searchParams.get('continue') ?? 0)) : whole;
  response.end(body);
});
process.on('message', () => {
  for (const watch of watches) for (const part of burst) watch.write(part);
});
process.once('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bytes: whole.length });
});
