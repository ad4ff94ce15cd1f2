import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256Hex } from './sha256.ts';
import { workflowName, type RunIdentity } from './workflow-name.ts';

const run: RunIdentity = {
  repository: 'hello',
  repositoryUid: 'uid-1',
  pipeline: 'ci',
  sha: '1234567890abcdef1234567890abcdef12345678',
  triggerKey: 'push:refs/heads/main',
};

test('the hash is SHA-256', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      expect(sha256Hex(text)).toBe(createHash('sha256').update(new TextEncoder().encode(text)).digest('hex'));
    }),
    { numRuns: 50 },
  );
});

test('the name of a run is the same each time', () => {
  expect(workflowName(run)).toMatch(/^hello-ci-12345678-[0-9a-f]{10}$/);
  expect(workflowName({ ...run })).toBe(workflowName(run));
});

test.for<[string, Partial<RunIdentity>]>([
  ['repository of the same name', { repositoryUid: 'uid-2' }],
  ['commit with the same beginning', { sha: '12345678ffffffffffffffffffffffffffffffff' }],
  ['trigger', { triggerKey: 'pull_request:1' }],
])('another %s gives another name', ([, change]) => {
  expect(workflowName({ ...run, ...change })).not.toBe(workflowName(run));
});

test('every name is a DNS label of at most 63 characters', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 80 }),
      fc.string({ maxLength: 80 }),
      fc.string({ maxLength: 64 }),
      (repository, pipeline, sha) => {
        const name = workflowName({ ...run, repository, pipeline, sha });
        expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
        expect(name.length).toBeLessThanOrEqual(63);
      },
    ),
  );
});
