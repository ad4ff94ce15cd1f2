import { formats } from '../kubernetes/formats.ts';
import {
  asPrefix,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
  type NameCheck,
} from '../kubernetes/names.ts';
import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  type Quantity,
  quantityNumber,
  quantityValue,
  subtractQuantities,
} from '../kubernetes/quantity.ts';
import { CelCidr, CelIp, CelUrl, ipTests } from './network.ts';
import type { Signatures } from './signature.ts';
import { CelOpaque, CelOptional } from './value.ts';

class CelQuantity extends CelOpaque {
  readonly typeName = 'kubernetes.Quantity';
  readonly value: Quantity;
  constructor(value: Quantity) {
    super();
    this.value = value;
  }
  override isSame(other: CelOpaque): boolean {
    return other instanceof CelQuantity && compareQuantities(this.value, other.value) === 0;
  }
}

class CelFormat extends CelOpaque {
  readonly typeName = 'kubernetes.NamedFormat';
  readonly check: NameCheck;
  constructor(check: NameCheck) {
    super();
    this.check = check;
  }
  override isSame(other: CelOpaque): boolean {
    return other instanceof CelFormat && this.check === other.check;
  }
}

type Handler = (...args: never[]) => unknown;

const isValid = (make: () => unknown): boolean => {
  try {
    make();
    return true;
  } catch {
    return false;
  }
};

function quantityOf(text: string): CelQuantity {
  const read = parseQuantity(text);
  if (!read.ok) throw new Error(read.problems[0]?.message ?? 'no quantity');
  return new CelQuantity(read.value);
}

const whole = (value: bigint): Quantity => ({ unscaled: value, scale: 0, format: 'DecimalSI' });
const asQuantity = (value: CelQuantity | bigint): Quantity => (typeof value === 'bigint' ? whole(value) : value.value);

const quantities: Signatures = {
  'quantity(string): kubernetes.Quantity': quantityOf,
  'isQuantity(string): bool': (text: string) => parseQuantity(text).ok,
  'kubernetes.Quantity.sign(): int': ({ value }: CelQuantity) =>
    value.unscaled < 0n ? -1n : value.unscaled > 0n ? 1n : 0n,
  'kubernetes.Quantity.isInteger(): bool': ({ value }: CelQuantity) => value.scale === 0,
  'kubernetes.Quantity.asInteger(): int': ({ value }: CelQuantity) => quantityValue(value),
  'kubernetes.Quantity.asApproximateFloat(): double': ({ value }: CelQuantity) => quantityNumber(value),
  'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool': (a: CelQuantity, b: CelQuantity) =>
    compareQuantities(a.value, b.value) > 0,
  'kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool': (a: CelQuantity, b: CelQuantity) =>
    compareQuantities(a.value, b.value) < 0,
  'kubernetes.Quantity.compareTo(kubernetes.Quantity): int': (a: CelQuantity, b: CelQuantity) =>
    BigInt(compareQuantities(a.value, b.value)),
  'kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity': (a: CelQuantity, b: CelQuantity) =>
    new CelQuantity(addQuantities(a.value, b.value)),
  'kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity': (a: CelQuantity, b: CelQuantity) =>
    new CelQuantity(subtractQuantities(a.value, b.value)),
  'kubernetes.Quantity.add(int): kubernetes.Quantity': (a: CelQuantity, b: bigint) =>
    new CelQuantity(addQuantities(a.value, asQuantity(b))),
  'kubernetes.Quantity.sub(int): kubernetes.Quantity': (a: CelQuantity, b: bigint) =>
    new CelQuantity(subtractQuantities(a.value, asQuantity(b))),
};

const network: Signatures = {
  'ip(string): net.IP': (text: string) => new CelIp(text),
  'isIP(string): bool': (text: string) => isValid(() => new CelIp(text)),
  'net.IP.family(): int': (ip: CelIp) => ip.family,
  ...Object.fromEntries(
    Object.entries(ipTests).map(([name, test]): [string, Handler] => [`net.IP.${name}(): bool`, test]),
  ),
  'cidr(string): net.CIDR': (text: string) => new CelCidr(text),
  'isCIDR(string): bool': (text: string) => isValid(() => new CelCidr(text)),
  'net.CIDR.containsIP(string): bool': (block: CelCidr, text: string) => block.contains(new CelIp(text)),
  'net.CIDR.containsIP(net.IP): bool': (block: CelCidr, ip: CelIp) => block.contains(ip),
  'net.CIDR.containsCIDR(string): bool': (block: CelCidr, text: string) => block.containsBlock(new CelCidr(text)),
  'net.CIDR.containsCIDR(net.CIDR): bool': (block: CelCidr, other: CelCidr) => block.containsBlock(other),
  'net.CIDR.ip(): net.IP': (block: CelCidr) => block.ip,
  'net.CIDR.masked(): net.CIDR': (block: CelCidr) => block.masked(),
  'string(net.IP): string': (ip: CelIp) => ip.text,
  'string(net.CIDR): string': (block: CelCidr) => `${block.ip.text}/${block.prefix}`,
  'net.CIDR.prefixLength(): int': (block: CelCidr) => BigInt(block.prefix),
  'url(string): kubernetes.URL': (text: string) => new CelUrl(text),
  'isURL(string): bool': (text: string) => isValid(() => new CelUrl(text)),
  'kubernetes.URL.getScheme(): string': ({ url }: CelUrl) => url?.protocol.slice(0, -1) ?? '',
  'kubernetes.URL.getHost(): string': (url: CelUrl) => url.host,
  'kubernetes.URL.getHostname(): string': (url: CelUrl) => url.host.replace(/:\d*$/u, '').replace(/^\[(.*)\]$/u, '$1'),
  'kubernetes.URL.getPort(): string': (url: CelUrl) => /:(\d*)$/u.exec(url.host)?.[1] ?? '',
  'kubernetes.URL.getEscapedPath(): string': (url: CelUrl) => url.path.replaceAll(' ', '%20'),
  'kubernetes.URL.getQuery(): map<string, list<string>>': (url: CelUrl) => url.query,
};

const formatCheck =
  (name: string): NameCheck =>
  (text) =>
    formats[name]?.(text) === false ? [`must be a valid ${name}`] : [];

const checks: Readonly<Record<string, NameCheck>> = {
  dns1123Label: isDns1123Label,
  dns1123Subdomain: isDns1123Subdomain,
  dns1035Label: isDns1035Label,
  dns1123LabelPrefix: asPrefix(isDns1123Label),
  dns1123SubdomainPrefix: asPrefix(isDns1123Subdomain),
  dns1035LabelPrefix: asPrefix(isDns1035Label),
  qualifiedName: isQualifiedName,
  labelValue: isLabelValue,
  uri: formatCheck('uri'),
  uuid: formatCheck('uuid'),
  byte: formatCheck('byte'),
  date: formatCheck('date'),
  datetime: formatCheck('datetime'),
};

const namedFormats: Signatures = {
  ...Object.fromEntries(
    Object.entries(checks).map(([name, check]): [string, Handler] => [
      `format.${name}(): kubernetes.NamedFormat`,
      () => new CelFormat(check),
    ]),
  ),
  'format.named(string): optional<kubernetes.NamedFormat>': (name: string) => {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    return new CelOptional(check && new CelFormat(check));
  },
  'kubernetes.NamedFormat.validate(string): optional<list<string>>': ({ check }: CelFormat, text: string) => {
    const problems = check(text);
    return new CelOptional(problems.length === 0 ? undefined : problems);
  },
};

/** Quantities, addresses, URLs and formats of names: what Kubernetes adds to CEL. */
export const kubernetesFunctions: readonly Signatures[] = [quantities, network, namedFormats];
