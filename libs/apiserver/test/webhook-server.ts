import { type HttpServer, jsonResponse, readBody, serveHttp } from '@sluice/runtime';
import { createAuthority, createServerCertificate } from '../src/security/certificates.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- reviews of every shape
type Review = any;

/** Answers the review of a path; what it returns is the `response` beside the uid. A string is sent as it is. */
export type Answers = Record<string, (request: Review) => object | string | Promise<object>>;

/** A webhook server over TLS with an authority of its own. Paths can be added to `answers` at any time. */
export async function startWebhooks(answers: Answers = {}) {
  const authority = createAuthority(Date.now());
  const tls = createServerCertificate(authority, ['127.0.0.1', 'hook.default.svc'], Date.now());
  const asked: { readonly path: string; readonly request: Review }[] = [];
  const server: HttpServer = await serveHttp(
    async ({ path, body }) => {
      const review = JSON.parse(Buffer.from(await readBody(body, 1_000_000)).toString()) as Review;
      asked.push({ path, request: review.request });
      const response = await (answers[path] ?? (() => ({ allowed: true })))(review.request);
      if (typeof response === 'string') return { status: 200, headers: {}, body: response };
      const { apiVersion, kind } = review;
      return jsonResponse(200, { apiVersion, kind, response: { uid: review.request.uid, ...response } });
    },
    { host: '127.0.0.1', port: 0, tls },
  );
  const caBundle = Buffer.from(authority.cert).toString('base64');
  return {
    asked,
    answers,
    port: server.port,
    caBundle,
    client: (path: string) => ({ url: `${server.url}${path}`, caBundle }),
    close: () => server.close(0),
  };
}

/** A JSON patch as a webhook sends it. */
export function patchOf(operations: readonly object[]): object {
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
  return { allowed: true, patchType: 'JSONPatch', patch };
}
