import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createAuthority, createServerCertificate, isUsable } from './certificates.ts';

const now = Date.parse('2026-05-06T07:08:09Z');
const dayMs = 86_400_000;
const hosts = ['127.0.0.1', 'localhost', 'kubernetes.default.svc'];
const authority = createAuthority(now);
const server = createServerCertificate(authority, hosts, now);

test('the authority is a CA that signed itself', () => {
  const certificate = new X509Certificate(authority.cert);
  expect(certificate.ca).toBe(true);
  expect(certificate.subject).toBe('CN=sluice-ca');
  expect(certificate.verify(certificate.publicKey)).toBe(true);
});

test('a server certificate is no CA, is signed by the authority and names every host', () => {
  const certificate = new X509Certificate(server.cert);
  const issuer = new X509Certificate(authority.cert);
  expect(certificate.ca).toBe(false);
  expect(certificate.checkIssued(issuer)).toBe(true);
  expect(certificate.verify(issuer.publicKey)).toBe(true);
  expect(certificate.subjectAltName).toBe('IP Address:127.0.0.1, DNS:localhost, DNS:kubernetes.default.svc');
  expect(Date.parse(certificate.validTo)).toBe(now + 365 * dayMs);
});

test('serial numbers differ', () => {
  const other = createServerCertificate(authority, hosts, now);
  expect(new X509Certificate(other.cert).serialNumber).not.toBe(new X509Certificate(server.cert).serialNumber);
});

test.for([
  { name: 'holds while it is fresh', pair: server, names: hosts, at: now, want: true },
  { name: 'does not hold in its last month', pair: server, names: hosts, at: now + 340 * dayMs, want: false },
  { name: 'does not hold for another host', pair: server, names: [...hosts, '127.0.0.2'], at: now, want: false },
  {
    name: 'does not hold under another authority',
    pair: createServerCertificate(createAuthority(now), hosts, now),
    names: hosts,
    at: now,
    want: false,
  },
  {
    name: 'does not hold with another key',
    pair: { ...server, key: authority.key },
    names: hosts,
    at: now,
    want: false,
  },
])('a certificate $name', ({ pair, names, at, want }) => {
  expect(isUsable(pair, authority, names, at)).toBe(want);
});

test('times from 2050 on are written as certificates want them', () => {
  const late = createAuthority(Date.parse('2049-06-01T00:00:00Z'));
  expect(new X509Certificate(late.cert).validTo).toContain('2059');
});
