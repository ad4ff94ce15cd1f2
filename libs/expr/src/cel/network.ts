import { isIpv4, isIpv6 } from '../kubernetes/names.ts';
import { CelOpaque } from './value.ts';

/** An IP address as CEL rules see it: 4 or 16 bytes. */
export class CelIp extends CelOpaque {
  readonly typeName = 'net.IP';
  readonly bytes: readonly number[];
  readonly text: string;
  constructor(text: string) {
    super();
    const bytes = bytesOf(text);
    if (!bytes) throw new Error(`IP Address "${text}" parse error`);
    this.bytes = bytes;
    this.text = text;
  }

  /** 4 or 6. */
  get family(): bigint {
    return this.bytes.length === 4 ? 4n : 6n;
  }

  override isSame(other: CelOpaque): boolean {
    return other instanceof CelIp && isSameBytes(this.bytes, other.bytes);
  }
}

/** A block of addresses. */
export class CelCidr extends CelOpaque {
  readonly typeName = 'net.CIDR';
  readonly ip: CelIp;
  readonly prefix: number;
  constructor(text: string) {
    super();
    const [address = '', bits = '', ...rest] = text.split('/');
    const ip = new CelIp(address);
    if (rest.length > 0 || !/^\d{1,3}$/u.test(bits) || Number(bits) > ip.bytes.length * 8) {
      throw new Error(`network address "${text}" parse error`);
    }
    this.ip = ip;
    this.prefix = Number(bits);
  }

  override isSame(other: CelOpaque): boolean {
    return other instanceof CelCidr && this.prefix === other.prefix && this.ip.isSame(other.ip);
  }

  /** Whether all of the other block lies in this one. */
  containsBlock(other: CelCidr): boolean {
    return this.prefix <= other.prefix && this.contains(other.ip);
  }

  /** Whether the address lies in the block. */
  contains(ip: CelIp): boolean {
    if (ip.bytes.length !== this.ip.bytes.length) return false;
    return masked(ip, this.prefix).every((byte, index) => byte === masked(this.ip, this.prefix)[index]);
  }

  /** The first address of the block. */
  masked(): CelCidr {
    return new CelCidr(`${formatIp(masked(this.ip, this.prefix))}/${this.prefix}`);
  }
}

function isSameBytes(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function masked(ip: CelIp, prefix: number): readonly number[] {
  return ip.bytes.map((byte, index) => byte & ((0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))) & 0xff));
}

function bytesOf(text: string): readonly number[] | undefined {
  if (isIpv4(text)) return text.split('.').map(Number);
  if (!isIpv6(text) || text.includes('.')) return undefined;
  const [left = '', right] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':')).map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(left), groups(right ?? '')];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]);
}

function formatIp(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0));
  return groups.map((group) => group.toString(16)).join(':');
}

/** What kind of address it is. */
export const ipTests: Readonly<Record<string, (ip: CelIp) => boolean>> = {
  isUnspecified: ({ bytes }) => bytes.every((byte) => byte === 0),
  isLoopback: ({ bytes }) =>
    bytes.length === 4 ? bytes[0] === 127 : bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1,
  isLinkLocalMulticast: ({ bytes }) =>
    bytes.length === 4
      ? bytes[0] === 224 && bytes[1] === 0 && bytes[2] === 0
      : bytes[0] === 0xff && ((bytes[1] ?? 0) & 0x0f) === 2,
  isLinkLocalUnicast: ({ bytes }) =>
    bytes.length === 4 ? bytes[0] === 169 && bytes[1] === 254 : bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80,
  isGlobalUnicast: (ip) =>
    !['isUnspecified', 'isLoopback', 'isLinkLocalUnicast'].some((name) => ipTests[name]?.(ip)) &&
    (ip.bytes.length === 4 ? (ip.bytes[0] ?? 0) < 224 : ip.bytes[0] !== 0xff),
};

/** A URL as CEL rules see it. */
export class CelUrl extends CelOpaque {
  readonly typeName = 'kubernetes.URL';
  readonly url: URL | undefined;
  readonly text: string;
  constructor(text: string) {
    super();
    const isPath = text.startsWith('/') && !/\s/u.test(text);
    if (!isPath && !/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^\s/?#]*([/?#].*)?$/u.test(text))
      throw new Error(`URL parse error during conversion from string: parse "${text}": invalid URI for request`);
    this.text = text;
    this.url = isPath ? undefined : new URL(text);
  }

  override isSame(other: CelOpaque): boolean {
    return other instanceof CelUrl && this.text === other.text;
  }

  /** The path as it was written. */
  get path(): string {
    const rest = this.text.replace(/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*/u, '');
    return rest.replace(/[?#].*$/u, '');
  }

  /** Host and port as they were written. */
  get host(): string {
    const authority = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/([^/?#]*)/u.exec(this.text)?.[1] ?? '';
    return authority.slice(authority.lastIndexOf('@') + 1);
  }

  /** The query's names with all their values. */
  get query(): ReadonlyMap<string, readonly string[]> {
    const text = /\?([^#]*)/u.exec(this.text)?.[1] ?? '';
    const out = new Map<string, string[]>();
    for (const [name, value] of new URLSearchParams(text)) {
      const known = out.get(name);
      if (known) known.push(value);
      else out.set(name, [value]);
    }
    return out;
  }
}
