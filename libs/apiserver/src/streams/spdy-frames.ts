import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';

/** Frames of SPDY/3.1 that port-forward needs; the others are skipped. */
export type SpdyFrame =
  | { readonly type: 'open'; readonly stream: number; readonly headers: ReadonlyMap<string, string> }
  | { readonly type: 'data'; readonly stream: number; readonly bytes: Buffer; readonly last: boolean }
  | { readonly type: 'reset'; readonly stream: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway' };

/** Bytes that are no SPDY/3.1, or more than is taken. */
export class SpdyError extends Error {
  override readonly name = 'SpdyError';
}

const maxFrame = 16 * 1024 * 1024 - 1;
const maxHeaders = 64 * 1024;
const types = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goaway: 7 } as const;
const finFlag = 1;

const words =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow ' +
  'authorization cache-control connection content-base content-encoding content-language content-length ' +
  'content-location content-md5 content-range content-type date etag expect expires from host if-match ' +
  'if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma ' +
  'proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade ' +
  'user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie ' +
  'keep-alive origin';
const tail =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative ' +
  'Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal ' +
  'Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, ' +
  'Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,' +
  'application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8' +
  'charset=iso-8859-1,utf-,*,enq=0.';

/** The dictionary that the specification gives for the compression of headers. */
export const dictionary: Buffer = Buffer.concat([
  ...words.split(' ').map((word) => lengthPrefixed(word.replace('_', ' '))),
  Buffer.from(tail),
]);

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Cuts a byte stream into frames. Headers are compressed as one stream, so frames must be read in order. */
export class SpdyReader {
  readonly #inflate: Inflate = createInflate({ dictionary, finishFlush: constants.Z_SYNC_FLUSH });
  #inflated: Buffer[] = [];
  #inflatedBytes = 0;
  #failure: Error | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor() {
    this.#inflate.on('error', (error) => (this.#failure = error));
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#inflatedBytes += chunk.length;
      if (this.#inflatedBytes <= maxHeaders) this.#inflated.push(chunk);
      else this.#inflate.destroy(new SpdyError('the headers of a stream are too long'));
    });
  }

  /** The frames that the bytes complete. Throws {@link SpdyError}. */
  async *read(bytes: Uint8Array): AsyncGenerator<SpdyFrame> {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 8) {
      const length = this.#rest.readUIntBE(5, 3);
      if (length > maxFrame) throw new SpdyError('a frame is too long');
      if (this.#rest.length < 8 + length) return;
      const head = this.#rest.subarray(0, 8);
      const body = this.#rest.subarray(8, 8 + length);
      this.#rest = this.#rest.subarray(8 + length);
      const frame = (head[0] ?? 0) & 0x80 ? await this.#control(head, body) : dataFrame(head, body);
      if (frame) yield frame;
    }
  }

  close(): void {
    this.#inflate.destroy();
  }

  async #control(head: Buffer, body: Buffer): Promise<SpdyFrame | undefined> {
    const type = head.readUInt16BE(2);
    if (type === types.goaway) return { type: 'goaway' };
    if (type !== types.synStream && type !== types.rstStream && type !== types.ping) return undefined;
    if (body.length < (type === types.synStream ? 10 : 4)) throw new SpdyError('a frame is too short');
    const id = body.readUInt32BE(0);
    if (type === types.ping) return { type: 'ping', id };
    if (type === types.rstStream) return { type: 'reset', stream: id & 0x7fffffff };
    return { type: 'open', stream: id & 0x7fffffff, headers: parseHeaders(await this.#unpack(body.subarray(10))) };
  }

  async #unpack(bytes: Buffer): Promise<Buffer> {
    this.#inflated = [];
    this.#inflatedBytes = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#inflate.once('close', resolve);
    this.#inflate.write(bytes, () => resolve());
    await promise;
    if (this.#failure) throw new SpdyError(`headers cannot be unpacked: ${this.#failure.message}`);
    return Buffer.concat(this.#inflated);
  }
}

function dataFrame(head: Buffer, bytes: Buffer): SpdyFrame {
  return { type: 'data', stream: head.readUInt32BE(0), bytes, last: ((head[4] ?? 0) & finFlag) !== 0 };
}

function parseHeaders(bytes: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    if (at + 4 > bytes.length) throw new SpdyError('headers are cut short');
    const length = bytes.readUInt32BE(at);
    at += 4 + length;
    if (at > bytes.length) throw new SpdyError('headers are cut short');
    return bytes.toString('utf8', at - length, at);
  };
  const count = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0;
  for (let index = 0; index < count; index++) {
    const name = text().toLowerCase();
    headers.set(name, text());
  }
  return headers;
}

/** Makes frames. */
export class SpdyWriter {
  readonly #deflate: Deflate = createDeflate({ dictionary, flush: constants.Z_SYNC_FLUSH });
  #packed: Buffer[] = [];

  constructor() {
    this.#deflate.on('data', (chunk: Buffer) => this.#packed.push(chunk));
  }

  /** The answer that accepts a stream: without headers. Call one at a time. */
  async accept(stream: number): Promise<Buffer> {
    this.#packed = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#deflate.write(Buffer.alloc(4), () => resolve());
    await promise;
    const body = Buffer.concat([uint32(stream), ...this.#packed]);
    return control(types.synReply, body);
  }

  data(stream: number, bytes: Uint8Array, last = false): Buffer {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(stream, 0);
    head[4] = last ? finFlag : 0;
    head.writeUIntBE(bytes.length, 5, 3);
    return Buffer.concat([head, bytes]);
  }

  ping(id: number): Buffer {
    return control(types.ping, uint32(id));
  }

  close(): void {
    this.#deflate.destroy();
  }
}

function control(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
