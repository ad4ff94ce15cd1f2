import { Readable } from 'node:stream';
import { ArtifactError } from './artifact-error.ts';
import { sendRequest, shown } from './driver/http-request.ts';

export type TextRequest = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The most that an answer may hold. */
  readonly maxBytes: number;
  /** Take any certificate. */
  readonly insecure: boolean;
  readonly resolveHost: (host: string) => string | undefined;
  readonly signal: AbortSignal;
};

export type TextAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
};

/** Send one HTTP request; any status is an answer. All its headers stay with the origin that they are for. */
export async function fetchText(request: TextRequest): Promise<TextAnswer> {
  const { method, url, headers, body, maxBytes, insecure, resolveHost, signal } = request;
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const response = await sendRequest({
    method,
    url,
    headers: {},
    credentials: headers,
    insecure,
    ...(bytes === undefined ? {} : { body: { stream: () => Readable.from([bytes]), length: bytes.length } }),
    resolveHost,
    signal,
  });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) {
      response.destroy();
      throw new ArtifactError('refused', `${shown(url)}: the answer holds more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  const told = Object.entries(response.headersDistinct).map(([name, values]) => [name, values ?? []] as const);
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(told),
    body: Buffer.concat(chunks).toString('utf8'),
  };
}
