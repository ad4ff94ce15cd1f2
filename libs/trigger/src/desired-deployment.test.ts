import type { HelmRelease } from '@sluice/model';
import { expect, test } from 'vitest';
import { desiredDeployment, refusedDeployment } from './desired-deployment.ts';
import { makeRelease, shaB } from './testing.ts';

const ready = makeRelease([{ type: 'Ready', status: 'True', reason: 'UpgradeSucceeded' }]);
const cases: { name: string; release: HelmRelease; state: string; description: string; final: boolean }[] = [
  {
    name: 'one that is ready',
    release: ready,
    state: 'success',
    description: 'Revision 1 of hello serves (commit aaaaaaa)',
    final: true,
  },
  {
    name: 'one whose last change the operator has not seen',
    release: { ...ready, metadata: { ...ready.metadata, generation: 3 } },
    state: 'in_progress',
    description: 'Waiting for the helm operator',
    final: false,
  },
  {
    name: 'one that waits for its chart',
    release: makeRelease([
      { type: 'Ready', status: 'False', reason: 'SourceNotReady', message: 'the chart is not there yet' },
    ]),
    state: 'in_progress',
    description: 'the chart is not there yet',
    final: false,
  },
  {
    name: 'one that is being upgraded',
    release: makeRelease([
      { type: 'Reconciling', status: 'True', reason: 'Progressing', message: 'running helm upgrade' },
      { type: 'Ready', status: 'Unknown', reason: 'Progressing' },
    ]),
    state: 'in_progress',
    description: 'running helm upgrade',
    final: false,
  },
  {
    name: 'one that failed and will be tried again',
    release: makeRelease([
      { type: 'Reconciling', status: 'True', reason: 'ProgressingWithRetry', message: 'retrying' },
      { type: 'Ready', status: 'False', reason: 'UpgradeFailed' },
    ]),
    state: 'in_progress',
    description: 'retrying',
    final: false,
  },
  {
    name: 'one that failed and was rolled back: what happened, what serves, why',
    release: makeRelease([
      { type: 'Stalled', status: 'True', reason: 'RetriesExceeded' },
      {
        type: 'Released',
        status: 'False',
        reason: 'UpgradeFailed',
        message: 'deployment hello is not ready: 0 of 2 replicas',
      },
      { type: 'Remediated', status: 'True', reason: 'RollbackSucceeded', message: 'rolled back' },
      { type: 'Ready', status: 'False', reason: 'RollbackSucceeded', message: 'rolled back' },
    ]),
    state: 'failure',
    description:
      'Failed and rolled back; revision 1 of hello serves (commit aaaaaaa): deployment hello is not ready: 0 of 2 replicas',
    final: true,
  },
  {
    name: 'one whose first install failed',
    release: makeRelease([{ type: 'Ready', status: 'False', reason: 'InstallFailed', message: 'no such image' }], {
      status: {
        observedGeneration: 2,
        conditions: [
          { type: 'Ready', status: 'False', reason: 'InstallFailed', message: 'no such image', lastTransitionTime: '' },
        ],
      },
    }),
    state: 'failure',
    description: 'Failed: no such image',
    final: true,
  },
];
test.for(cases)('reports $name', ({ release, state, description, final }) => {
  const desired = desiredDeployment(release);
  expect(desired?.deployment).toEqual({
    externalId: `hello-staging-${shaB.slice(0, 12)}`,
    sha: shaB,
    ref: 'refs/heads/main',
    environment: 'staging',
    state,
    description,
  });
  expect(desired?.check).toMatchObject(
    final ? { name: 'deploy staging', sha: shaB, status: 'completed', conclusion: state } : { status: 'in_progress' },
  );
  expect(desired?.final).toBe(final);
});

const failure = [
  'Helm upgrade failed for release staging/hello with chart hello@1.0.0: UPGRADE FAILED: resource Deployment/staging/hello not ready. status: InProgress, message: 0 of 2',
  'context deadline exceeded',
  'pod hello-1: container hello runs but is not ready',
  '  last event: Unhealthy: <probe> failed with 503',
  '  last log lines of hello:',
  '    listens on 127.64.0.28:8080',
  '    ```',
  'pod hello-2: container hello waits: ImagePullBackOff (image x is not there)',
].join('\n');
const rolledBack = makeRelease([
  { type: 'Released', status: 'False', reason: 'UpgradeFailed', message: failure },
  {
    type: 'Remediated',
    status: 'True',
    reason: 'RollbackSucceeded',
    message: `Helm rollback succeeded: 1.0.0 serves. What failed: ${failure}`,
  },
  { type: 'Stalled', status: 'True', reason: 'RetriesExceeded', message: 'Failed to upgrade after 1 attempt(s)' },
  {
    type: 'Ready',
    status: 'False',
    reason: 'RollbackSucceeded',
    message: `Helm rollback succeeded: 1.0.0 serves. What failed: ${failure}`,
  },
]);

test('the title of a failure is one line: what happened, what serves, and the cause without its preamble', () => {
  expect(desiredDeployment(rolledBack)?.check.title).toBe(
    'Failed and rolled back; revision 1 of hello serves (commit aaaaaaa): Deployment/staging/hello not ready, container hello runs but is not ready',
  );
});

test('the summary of a failure says what happened, why and what serves now, each thing once and no log in a table', () => {
  expect(desiredDeployment(rolledBack)?.check.summary.split('\n')).toEqual([
    '**What happened:** Helm upgrade failed for release staging/hello with chart hello\\@1.0.0: UPGRADE FAILED: resource Deployment/staging/hello not ready. status: InProgress, message: 0 of 2; context deadline exceeded',
    '',
    '**Why:** Pod hello-1: container hello runs but is not ready. Last event: Unhealthy: &lt;probe&gt; failed with 503. The end of the log of hello:',
    '',
    '````text',
    'listens on 127.64.0.28:8080',
    '```',
    '````',
    '',
    'Pod hello-2: container hello waits: ImagePullBackOff (image x is not there)',
    '',
    '**What serves now:** Revision 1 of hello serves (commit aaaaaaa). Release `hello` in namespace `staging`.',
    '',
    '- Helm rollback succeeded: 1.0.0 serves.',
    '- Failed to upgrade after 1 attempt(s)',
    '',
    '| Condition | Status | Reason |',
    '| --- | --- | --- |',
    '| Released | False | UpgradeFailed |',
    '| Remediated | True | RollbackSucceeded |',
    '| Stalled | True | RetriesExceeded |',
    '| Ready | False | RollbackSucceeded |',
    '',
    '| Revision | Status | Chart | App | Deployed |',
    '| --- | --- | --- | --- | --- |',
    `| 1 | deployed | 0.1.0 | ${'a'.repeat(12)} | 2026-11-23T09:00:00Z |`,
  ]);
});

test('a reason of unknown form is shown whole, and a very long one is cut', () => {
  const release = (message: string) =>
    makeRelease([{ type: 'Ready', status: 'False', reason: 'InstallFailed', message }]);
  const odd = desiredDeployment(release('error: parse\n  at line 1\n  at line 2\n  at line 3'))?.check.summary ?? '';
  expect(odd).toContain('**What happened:** error: parse\n\n```text\n  at line 1\n  at line 2\n  at line 3\n```');
  expect(desiredDeployment(release(`x${'\nlong line'.repeat(90_000)}`))?.check.summary.length).toBeLessThan(20_000);
});

test('a release that is not ours is not reported', () => {
  expect(desiredDeployment({ ...ready, metadata: { name: 'x' } })).toBeUndefined();
});

test('a long reason is cut to what the forge takes', () => {
  const desired = refusedDeployment(
    { environment: 'staging', sha: shaB, ref: 'refs/heads/main', id: 'hello-staging' },
    'x'.repeat(500),
  );
  expect(desired.deployment.description).toHaveLength(140);
  expect(desired.check.summary).toBe('x'.repeat(500));
});
