import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIPv4 } from 'node:net';
import { bits, boolean, context, integer, octets, oid, sequence, set, time, utf8 } from './der.ts';

/** A certificate and its private key, both PEM. */
export type KeyPair = { readonly cert: string; readonly key: string };

type Request = {
  readonly subject: string;
  readonly issuer: string;
  readonly key: KeyObject;
  readonly issuerKey: KeyObject;
  readonly from: number;
  readonly until: number;
  readonly extensions: readonly Buffer[];
};

const dayMs = 86_400_000;
const authorityName = 'sluice-ca';
const ids = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
  subjectAlternativeName: '2.5.29.17',
  subjectKeyIdentifier: '2.5.29.14',
  authorityKeyIdentifier: '2.5.29.35',
} as const;

/** A new certificate authority (ECDSA, P-256), valid for ten years. */
export function createAuthority(now: number): KeyPair {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [
    extension(ids.basicConstraints, sequence(boolean(true)), true),
    extension(ids.keyUsage, bits(Buffer.from([0b0000_0110]), 1), true), // sign certificates and revocation lists
    extension(ids.subjectKeyIdentifier, octets(keyIdentifier(key))),
  ];
  const [from, until] = [now - dayMs, now + 3_650 * dayMs];
  return issue({ subject: authorityName, issuer: authorityName, key, issuerKey: key, from, until, extensions });
}

/** A server certificate for these host names and IPv4 addresses, signed by the authority, valid for a year. */
export function createServerCertificate(authority: KeyPair, hosts: readonly string[], now: number): KeyPair {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuerKey = createPrivateKey(authority.key);
  const extensions = [
    extension(ids.basicConstraints, sequence(), true),
    extension(ids.keyUsage, bits(Buffer.from([0b1000_0000]), 7), true), // digital signature
    extension(ids.extendedKeyUsage, sequence(oid(ids.serverAuthentication))),
    extension(ids.subjectAlternativeName, sequence(...hosts.map(generalName))),
    extension(ids.authorityKeyIdentifier, sequence(context(0, keyIdentifier(issuerKey), false))),
  ];
  const [from, until] = [now - dayMs, now + 365 * dayMs];
  return issue({ subject: 'kube-apiserver', issuer: authorityName, key, issuerKey, from, until, extensions });
}

/** Whether a certificate still serves: for all the hosts, for another month, from this authority. */
export function isUsable(pair: KeyPair, authority: KeyPair, hosts: readonly string[], now: number): boolean {
  const certificate = new X509Certificate(pair.cert);
  if (Date.parse(certificate.validTo) < now + 30 * dayMs) return false;
  if (!certificate.checkPrivateKey(createPrivateKey(pair.key))) return false;
  const covers = (host: string): boolean =>
    (isIPv4(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
  return hosts.every(covers) && certificate.verify(new X509Certificate(authority.cert).publicKey);
}

function issue({ subject, issuer, key, issuerKey, from, until, extensions }: Request): KeyPair {
  const algorithm = sequence(oid(ids.ecdsaWithSha256));
  const body = sequence(
    context(0, integer(Buffer.from([2])), true), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    nameOf(issuer),
    sequence(time(from), time(until)),
    nameOf(subject),
    publicKeyOf(key),
    context(3, sequence(...extensions), true),
  );
  const certificate = sequence(body, algorithm, bits(sign('sha256', body, issuerKey)));
  return { cert: pem('CERTIFICATE', certificate), key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(oid(ids.commonName), utf8(commonName))));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return critical ? sequence(oid(id), boolean(true), octets(value)) : sequence(oid(id), octets(value));
}

function generalName(host: string): Buffer {
  return isIPv4(host)
    ? context(7, Buffer.from(host.split('.').map(Number)), false)
    : context(2, Buffer.from(host), false);
}

function publicKeyOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1').update(publicKeyOf(key)).digest();
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
