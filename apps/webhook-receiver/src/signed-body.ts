import type { HttpRequest } from '@sluice/runtime';
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** What reading a body came to. */
export type SignedBody =
  | { readonly kind: 'read'; readonly bytes: Buffer; readonly signed: boolean; readonly digest: string }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'too-slow' }
  | { readonly kind: 'cut-off' };

export type SignedBodyOptions = {
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** Live secrets; any of them may have signed. */
  readonly secrets: readonly string[];
  /** The value of X-Hub-Signature-256. */
  readonly signature: Buffer;
  /** Mixed into the digest, so that equal bodies of two routes are two deliveries. */
  readonly salt: string;
};

/** The 32 bytes of `sha256=<64 hex digits>`; undefined for anything else. */
export function parseSignature(header: string | undefined): Buffer | undefined {
  const hex = /^sha256=([0-9a-f]{64})$/i.exec(header ?? '')?.[1];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex');
}

/**
 * Read a body once, hashing it as it comes, never beyond the cap or the time. The stream is left where it is when reading
 * stops early, so that an answer can still be sent.
 */
export async function readSignedBody(body: HttpRequest['body'], options: SignedBodyOptions): Promise<SignedBody> {
  const hmacs = options.secrets.map((secret) => createHmac('sha256', secret));
  const digest = createHash('sha256').update(options.salt);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const iterator = toChunks(body)[Symbol.asyncIterator]();
  const deadline = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => deadline.resolve('late'), options.timeoutMs);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), deadline.promise]);
      if (next === 'late') return { kind: 'too-slow' };
      if (next.done) break;
      length += next.value.length;
      if (length > options.maxBytes) return { kind: 'too-large' };
      chunks.push(next.value);
      digest.update(next.value);
      for (const hmac of hmacs) hmac.update(next.value);
    }
  } catch {
    return { kind: 'cut-off' };
  } finally {
    clearTimeout(timer);
  }
  // Every secret is compared, so that the time does not tell which one matched.
  let signed = false;
  for (const hmac of hmacs) signed = timingSafeEqual(hmac.digest(), options.signature) || signed;
  return { kind: 'read', bytes: Buffer.concat(chunks), signed, digest: digest.digest('hex') };
}

async function* toChunks(body: HttpRequest['body']): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (typeof body === 'string') yield Buffer.from(body);
  else if (body instanceof Uint8Array) yield body;
  else {
    const inner = body[Symbol.asyncIterator]();
    // Not for-await: leaving it early would destroy the request and with it the answer.
    for (let next = await inner.next(); !next.done; next = await inner.next()) yield next.value;
  }
}
