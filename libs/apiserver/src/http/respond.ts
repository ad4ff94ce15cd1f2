import type { HttpRequest, HttpResponse } from '@sluice/runtime';
import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { type StatusError, statusObject } from './status-error.ts';

const compress = promisify(gzip);

/** Answers longer than this are compressed for clients that accept it. */
const compressAbove = 128 * 1024;

/** A response of JSON text. */
export function jsonText(status: number, text: string, warnings: readonly string[] = []): HttpResponse {
  return { status, headers: { ...jsonHeaders, ...warningHeaders(warnings) }, body: text };
}

/** A response of a value. */
export function json(status: number, value: unknown, warnings: readonly string[] = []): HttpResponse {
  return jsonText(status, JSON.stringify(value), warnings);
}

/** A response of plain text. */
export function plain(status: number, text: string): HttpResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...guardHeaders }, body: text };
}

/** The answer to a refused request. */
export function errorResponse(error: StatusError): HttpResponse {
  const response = json(error.code, statusObject(error));
  const seconds = error.details?.retryAfterSeconds ?? (error.code === 429 ? 1 : undefined);
  if (seconds === undefined) return response;
  return { ...response, headers: { ...response.headers, 'retry-after': String(seconds) } };
}

const guardHeaders = { 'cache-control': 'no-cache, private', 'x-content-type-options': 'nosniff' };
const jsonHeaders = { 'content-type': 'application/json', ...guardHeaders };

/** RFC 7234 warnings with code 299, as kubectl prints them. */
function warningHeaders(warnings: readonly string[]): Record<string, string> {
  if (warnings.length === 0) return {};
  const quoted = warnings.slice(0, 20).map((text) => `299 - "${text.slice(0, 512).replaceAll(/[\\"]/g, '\\$&')}"`);
  return { warning: quoted.join(', ').replaceAll(/[^\x20-\x7e]/g, '?') };
}

/** For the network: the body's length, and compression of large bodies. */
export async function forNetwork(request: HttpRequest, response: HttpResponse): Promise<HttpResponse> {
  const { body, headers } = response;
  if (typeof body !== 'string') return response;
  const bytes = Buffer.from(body);
  if (bytes.length <= compressAbove || !(request.headers['accept-encoding'] ?? '').includes('gzip')) {
    return { ...response, headers: { ...headers, 'content-length': String(bytes.length) }, body: bytes };
  }
  const packed = await compress(bytes, { level: 1 });
  const extra = { 'content-encoding': 'gzip', vary: 'Accept-Encoding', 'content-length': String(packed.length) };
  return { ...response, headers: { ...headers, ...extra }, body: packed };
}
