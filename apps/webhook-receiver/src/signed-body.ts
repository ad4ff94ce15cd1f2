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
  readonly proof: BodyProof;
  /** Mixed into the digest, so that equal bodies of two routes are two deliveries. */
  readonly salt: string;
};

/** What shows that a body is the forge's: nothing more than what was seen already, or an HMAC-SHA256 over it. */
export type BodyProof =
  | { readonly kind: 'proven' }
  | {
      readonly kind: 'hmac';
      /** Live secrets; any of them may have signed. */
      readonly keys: readonly (string | Buffer)[];
      /** Signed before the body. */
      readonly prefix: string;
      /** Any of them may fit; 32 bytes each. */
      readonly signatures: readonly Buffer[];
    };

/**
 * Read a body once, hashing it as it comes, never beyond the cap or the time. The stream is left where it is when reading
 * stops early, so that an answer can still be sent.
 */
export async function readSignedBody(body: HttpRequest['body'], options: SignedBodyOptions): Promise<SignedBody> {
  const { proof } = options;
  const hmacs = proof.kind === 'hmac' ? proof.keys.map((key) => createHmac('sha256', key).update(proof.prefix)) : [];
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
  let signed = proof.kind === 'proven';
  for (const mine of hmacs.map((hmac) => hmac.digest())) {
    for (const given of proof.kind === 'hmac' ? proof.signatures : []) signed = timingSafeEqual(mine, given) || signed;
  }
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
