import { createServer } from 'node:http';
import { greeting } from './greeting.mjs';
import { isReady } from './health.mjs';

const version = process.env.APP_VERSION ?? 'dev';
const host = process.env.HOST ?? '0.0.0.0';
const port = Number(process.env.PORT ?? 8080);

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/healthz') return response.end('ok\n');
  if (url.pathname === '/readyz') {
    response.statusCode = isReady() ? 200 : 503;
    return response.end(isReady() ? 'ready\n' : 'not ready\n');
  }
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify({ message: greeting(url.searchParams.get('name')), version })}\n`);
});

server.listen(port, host, () => console.log(`hello ${version} listens on ${host}:${port}`));

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
