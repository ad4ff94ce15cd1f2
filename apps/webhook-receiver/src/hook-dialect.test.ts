import { createHmac } from 'node:crypto';
import type { ForgeType } from '@sluice/model';
import { describe, expect, test } from 'vitest';
import { dialectOf } from './hook-dialect.ts';
import { readSignedBody } from './signed-body.ts';

const body = '{"a":1}';
const [secret, previous] = ['correct horse', 'battery staple'];
const now = Date.UTC(2026, 10, 24);
const time = String(now / 1_000);
const hex = (key: string, text = body): string => createHmac('sha256', key).update(text).digest('hex');
const whsec = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
const standard = (key: string | Buffer, text = `id-1.${time}.${body}`): string =>
  `v1,${createHmac('sha256', key).update(text).digest('base64')}`;

/** Whether a body with these headers counts as the forge's. */
async function isTaken(forge: ForgeType, headers: Record<string, string>, secrets = [secret, previous]) {
  const proof = dialectOf(forge).proof(headers, secrets, now);
  if (typeof proof === 'string') return false;
  const read = await readSignedBody(body, { maxBytes: 1_000, timeoutMs: 1_000, proof, salt: '' });
  return read.kind === 'read' && read.signed;
}

const signed = { 'webhook-id': 'id-1', 'webhook-timestamp': time };
const cases: { name: string; forge: ForgeType; headers: Record<string, string>; secrets?: string[]; taken: boolean }[] =
  [
    { name: 'GitHub', forge: 'github', headers: { 'x-hub-signature-256': `sha256=${hex(secret)}` }, taken: true },
    {
      name: 'Gitea at a route of GitHub',
      forge: 'github',
      headers: { 'x-hub-signature-256': `sha256=${hex(secret)}`, 'x-gitea-event': 'push' },
      taken: false,
    },
    { name: 'Gitea', forge: 'gitea', headers: { 'x-gitea-signature': hex(secret) }, taken: true },
    {
      name: 'Gitea with the previous secret',
      forge: 'gitea',
      headers: { 'x-gitea-signature': hex(previous) },
      taken: true,
    },
    { name: 'Gitea without a signature', forge: 'gitea', headers: { 'x-gitea-event': 'push' }, taken: false },
    { name: 'Gitea with an empty one', forge: 'gitea', headers: { 'x-gitea-signature': '' }, taken: false },
    {
      name: 'Gitea with that of GitHub only',
      forge: 'gitea',
      headers: { 'x-hub-signature-256': `sha256=${hex(secret)}` },
      taken: false,
    },
    { name: 'Bitbucket', forge: 'bitbucket', headers: { 'x-hub-signature': `sha256=${hex(secret)}` }, taken: true },
    { name: 'Bitbucket with SHA-1', forge: 'bitbucket', headers: { 'x-hub-signature': 'sha1=00' }, taken: false },
    { name: 'GitLab with the token', forge: 'gitlab', headers: { 'x-gitlab-token': secret }, taken: true },
    { name: 'GitLab with the previous token', forge: 'gitlab', headers: { 'x-gitlab-token': previous }, taken: true },
    { name: 'GitLab with another token', forge: 'gitlab', headers: { 'x-gitlab-token': 'guessed' }, taken: false },
    { name: 'GitLab without a token', forge: 'gitlab', headers: {}, taken: false },
    {
      name: 'GitLab with a signature',
      forge: 'gitlab',
      headers: { ...signed, 'webhook-signature': standard(Buffer.from('0123456789abcdef0123456789abcdef')) },
      secrets: [whsec],
      taken: true,
    },
    {
      name: 'GitLab with several signatures, one of which fits',
      forge: 'gitlab',
      headers: { ...signed, 'webhook-signature': `v2,x ${standard('other')} ${standard(secret)}` },
      taken: true,
    },
    {
      name: 'GitLab with a signature of another delivery',
      forge: 'gitlab',
      headers: { ...signed, 'webhook-id': 'id-2', 'webhook-signature': standard(secret) },
      taken: false,
    },
    {
      name: 'GitLab with a signature of ten minutes ago',
      forge: 'gitlab',
      headers: { ...signed, 'webhook-timestamp': String(now / 1_000 - 600), 'webhook-signature': standard(secret) },
      taken: false,
    },
    {
      name: 'GitLab with the token and a wrong signature',
      forge: 'gitlab',
      headers: { ...signed, 'x-gitlab-token': secret, 'webhook-signature': standard('other') },
      taken: false,
    },
  ];
test.for(cases)('$name: taken is $taken', async ({ forge, headers, secrets, taken }) => {
  expect(await isTaken(forge, headers, secrets)).toBe(taken);
});

describe('names', () => {
  const id = { 'x-gitlab-event-uuid': 'u-1' };
  test.for([
    { forge: 'gitlab' as const, headers: { 'x-gitlab-event': 'Push Hook', ...id }, want: ['Push Hook', 'u-1'] },
    {
      forge: 'gitlab' as const,
      headers: { 'x-gitlab-event': 'Push Hook', 'idempotency-key': 'k-1', ...id },
      want: ['Push Hook', 'k-1'],
    },
    {
      forge: 'bitbucket' as const,
      headers: { 'x-event-key': 'repo:push', 'x-request-uuid': 'r-1' },
      want: ['repo:push', 'r-1'],
    },
    { forge: 'gitea' as const, headers: { 'x-gitea-event': 'push', 'x-gitea-delivery': 'g-1' }, want: ['push', 'g-1'] },
    { forge: 'gitea' as const, headers: { 'x-github-event': 'push', 'x-github-delivery': 'g-1' }, want: undefined },
    { forge: 'gitlab' as const, headers: { 'x-gitlab-event': 'Push\nHook', ...id }, want: undefined },
  ])('$forge: $want', ({ forge, headers, want }) => {
    const names = dialectOf(forge).names(headers as Record<string, string>);
    expect(names && [names.event, names.delivery]).toEqual(want);
  });
});
