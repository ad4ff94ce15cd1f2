import { expect, test } from 'vitest';
import { formatReference, isLoopbackHost, parseReference } from './reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test.for([
  ['127.0.0.1:5000/app', { host: '127.0.0.1:5000', repository: 'app' }],
  ['oci://ghcr.io/acme/charts/app:1.2.3', { host: 'ghcr.io', repository: 'acme/charts/app', tag: '1.2.3' }],
  [`localhost/app@${digest}`, { host: 'localhost', repository: 'app', digest }],
  [`h.example:1/a/b:t@${digest}`, { host: 'h.example:1', repository: 'a/b', tag: 't', digest }],
  ['[::1]:5000/app', { host: '[::1]:5000', repository: 'app' }],
] as const)('%s is read part by part and written back the same', ([text, want]) => {
  const parsed = parseReference(text);
  expect(parsed).toEqual({ ok: true, value: want });
  expect(parsed.ok && formatReference(parsed.value)).toBe(text.replace('oci://', ''));
});

test.for([
  ['app:1.0', 'the registry is missing'],
  ['library/app', 'the registry is missing'],
  ['h.example/App', 'not a repository name'],
  ['h.example/a/../b', 'not a repository name'],
  ['h.example/app:-x', 'not a tag'],
  ['h.example/app@sha256:12', 'the digest must be'],
  ['h.example:123456/app', 'not a registry host'],
  ['user@h.example/app', 'the digest must be'],
])('%s is refused: %s', ([text = '', why]) => {
  const parsed = parseReference(text);
  expect(parsed.ok ? '' : parsed.problems[0]?.message).toContain(why);
});

test('only addresses of this machine count as loopback', () => {
  expect(['localhost:1', '127.0.0.1:5000', '127.64.1.2', '[::1]:80'].every(isLoopbackHost)).toBe(true);
  expect(['127.0.0.1.example.com', 'example.com', 'localhost.example', '128.0.0.1'].some(isLoopbackHost)).toBe(false);
});
