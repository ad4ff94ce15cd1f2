import { findCondition, keys, resources } from '@sluice/model';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Harness, makeJob, makeRepository, namespace, pipelineText, pullRequestJob, pushJob, sha } from './testing.ts';

const zero = '0'.repeat(40);
let harness: Harness;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-23T10:00:00Z') });
  harness = new Harness();
});
afterEach(async () => {
  await harness.stop();
  vi.useRealTimers();
});

test('a push becomes one Workflow that names repository, commit and deployments', async () => {
  await harness.start();
  await harness.push(sha('a'));
  expect(harness.workflow(sha('a')).metadata).toMatchObject({
    namespace,
    labels: { [keys.repository]: 'hello', [keys.pipeline]: 'ci', [keys.event]: 'push' },
    annotations: {
      [keys.ref]: 'refs/heads/main',
      [keys.trust]: 'trusted',
      [keys.delivery]: 'd-1',
      [keys.deploy]: expect.stringContaining('staging') as string,
    },
  });
  expect(harness.repository().status?.heads).toEqual({ 'refs/heads/main': sha('a') });
});

test('deliveries that come twice, in any order, give each commit one Workflow', async () => {
  const commits = ['a', 'b', 'c'].map(sha);
  const jobs = [
    pushJob(sha('a')),
    pushJob(sha('b'), { before: sha('a') }),
    pullRequestJob(sha('c'), sha('a')),
    pushJob(sha('c'), { ref: 'refs/heads/topic' }),
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(jobs.length - 1), { maxLength: 8 }), async (extra) => {
      harness = new Harness();
      commits.forEach((commit) => harness.commit(commit));
      harness.moveRef('refs/heads/main', sha('b'));
      harness.moveRef('refs/heads/topic', sha('c'));
      await harness.start();
      await Promise.all([...extra, 0, 1, 2, 3].map((i) => harness.deliver(jobs[i]!)));
      expect(commits.map((commit) => harness.workflow(commit).metadata.labels?.[keys.sha])).toEqual(commits);
      expect(harness.workflows()).toHaveLength(3);
      await harness.stop();
    }),
    { numRuns: 20 },
  );
});

test('a crash between the Workflow and the record of it leaves one Workflow', async () => {
  await harness.start();
  harness.kube.fail({
    verb: 'patch',
    resource: resources.repositories,
    subresource: 'status',
    error: new Error('killed'),
  });
  await harness.push(sha('a'));
  expect(harness.workflows()).toHaveLength(1);
  expect(harness.repository().status?.heads).toEqual({ 'refs/heads/main': sha('a') });
});

test('a crash between two Workflows of one push leaves both, once', async () => {
  harness.commit(sha('a'), {
    '.sluice/a.yaml': pipelineText,
    '.sluice/b.yaml': pipelineText.replace('name: ci', 'name: docs'),
  });
  await harness.start();
  harness.kube.fail({ verb: 'create', resource: resources.workflows, nth: 2, error: new Error('killed') });
  await harness.push(sha('a'));
  expect(new Set(harness.workflows().map(({ metadata }) => metadata.labels?.[keys.pipeline]))).toEqual(
    new Set(['ci', 'docs']),
  );
  expect(harness.workflows()).toHaveLength(2);
});

test('a file that cannot be read is a failing check, the other files run', async () => {
  harness.commit(sha('a'), { '.sluice/bad.yaml': 'kind: Pipline\n', '.sluice/ci.yaml': pipelineText });
  await harness.start();
  await harness.push(sha('a'));
  expect(harness.forge.check('sluice', sha('a'))).toMatchObject({
    conclusion: 'failure',
    annotations: [
      {
        path: '.sluice/bad.yaml',
        startLine: 1,
        startColumn: 7,
        message: expect.stringContaining('did you mean "Pipeline"?') as string,
      },
    ],
  });
  expect(harness.workflow(sha('a')).metadata.labels?.[keys.pipeline]).toBe('ci');
});

test('a pull request runs without deployments, and its closing runs nothing', async () => {
  await harness.start();
  await harness.deliver(pullRequestJob(sha('a'), sha('b')));
  expect(harness.workflow(sha('a')).metadata).toMatchObject({
    labels: { [keys.event]: 'pull_request', [keys.pullRequest]: '3' },
  });
  expect(harness.workflow(sha('a')).metadata.annotations).not.toHaveProperty([keys.deploy]);
  await harness.deliver(pullRequestJob(sha('a'), sha('b'), { action: 'closed' }));
  expect(harness.workflows()).toHaveLength(1);
  expect(harness.repository().status?.heads).toEqual({});
});

test('a pull request from a fork waits until somebody with write access has read it', async () => {
  harness.commit(sha('f'), { '.sluice/ci.yaml': pipelineText.replace('npm test', 'cat /secrets') });
  await harness.start();
  await harness.deliver(pullRequestJob(sha('f'), sha('a'), { fork: true }));
  expect(harness.workflows()).toHaveLength(0);
  expect(harness.forge.check('ci', sha('f'))).toMatchObject({ conclusion: 'action_required' });
});

test('a draft runs nothing and says so in a neutral check', async () => {
  await harness.start();
  await harness.deliver(pullRequestJob(sha('a'), sha('b'), { draft: true }));
  expect(harness.workflows()).toHaveLength(0);
  expect(harness.forge.check('ci', sha('a'))).toMatchObject({ conclusion: 'neutral' });
});

test('a push that is late runs, but deploys nothing', async () => {
  harness.commit(sha('b'));
  await harness.start();
  harness.moveRef('refs/heads/main', sha('b'));
  await harness.deliver(pushJob(sha('a')));
  expect(harness.workflow(sha('a')).metadata.annotations).not.toHaveProperty([keys.deploy]);
});

test('a deleted branch runs nothing and is forgotten', async () => {
  await harness.start();
  await harness.push(sha('a'));
  harness.forge.heads = [];
  await harness.deliver(pushJob(zero, { before: sha('a') }));
  expect(harness.workflows()).toHaveLength(1);
  expect(harness.repository().status?.heads).toEqual({});
});

test('a commit that a forced push took away is passed over', async () => {
  await harness.start();
  await harness.deliver(pushJob(sha('9')));
  expect(harness.workflows()).toHaveLength(0);
});

test('what is at the forge when a repository is first seen does not run', async () => {
  harness.moveRef('refs/heads/main', sha('a'));
  await harness.start();
  expect(harness.workflows()).toHaveLength(0);
  expect(harness.repository().status?.heads).toEqual({ 'refs/heads/main': sha('a') });
  expect(findCondition(harness.repository().status?.conditions, 'Ready')).toMatchObject({
    status: 'True',
    reason: 'Connected',
  });
});

test('a head that no delivery announced runs within a minute, and its late delivery does nothing', async () => {
  await harness.start();
  harness.moveRef('refs/heads/main', sha('a'));
  await harness.settle(61_000);
  const before = harness.workflow(sha('a'));
  await harness.deliver(pushJob(sha('a')));
  expect(harness.workflow(sha('a'))).toEqual(before);
});

test('a pull request that no delivery announced runs within a minute', async () => {
  await harness.start();
  const pullRequest = { number: 3, baseRef: 'refs/heads/main', baseSha: sha('b'), draft: false, fork: false };
  harness.forge.heads = [{ ref: 'refs/pull/3/head', sha: sha('a'), pullRequest }];
  await harness.settle(61_000);
  const repaired = harness.workflow(sha('a'));
  await harness.deliver(pullRequestJob(sha('a'), sha('b')));
  expect(harness.workflow(sha('a'))).toEqual(repaired);
});

test('one head that cannot be handled does not hold up the others', async () => {
  await harness.start();
  harness.moveRef('refs/heads/main', sha('a'));
  harness.forge.heads = [{ ref: 'refs/heads/huge', sha: 'e'.repeat(64) }, ...harness.forge.heads];
  await harness.settle(61_000);
  expect(harness.workflows()).toHaveLength(1);
});

test('a push asks the forge for its heads at most once', async () => {
  await harness.start();
  const { listed } = harness.forge;
  await harness.push(sha('a'));
  expect(harness.forge.listed - listed).toBe(1);
});

test('a forge that is down delays but neither loses nor doubles', async () => {
  await harness.start();
  harness.forge.failures = 2;
  await harness.push(sha('a'));
  expect(harness.workflows()).toHaveLength(1);
});

test.for([
  ['a body that is no JSON', { ...pushJob(sha('a')), body: 'e3' }, 'BadPayload'],
  ['a body of another event', makeJob('push', { action: 'opened' }), 'BadPayload'],
  ['a commit id of another hash', pushJob('e'.repeat(64)), 'ObjectFormatNotSupported'],
] as const)('%s is refused for good', async ([, job, reason]) => {
  await harness.start();
  await expect(harness.deliver(job)).rejects.toMatchObject({ name: 'TerminalError', reason });
});

test('a delivery about another repository of GitHub is refused', async () => {
  const forge = { type: 'github', apiUrl: 'https://api.github.com', repository: 'Octo/Hello' } as const;
  harness.kube.put(resources.repositories, makeRepository({ forge }));
  await harness.start();
  await expect(harness.deliver(pushJob(sha('a')))).rejects.toMatchObject({ reason: 'WrongRepository' });
});

test('a Workflow of that name that is not the run is not taken for it', async () => {
  await harness.start();
  await harness.push(sha('a'));
  const mine = harness.workflow(sha('a'));
  harness.kube.put(resources.workflows, { ...mine, metadata: { ...mine.metadata, labels: {} } });
  await expect(harness.deliver(pushJob(sha('a')))).rejects.toMatchObject({ reason: 'NameTaken' });
});

test('a missing token is said in Ready', async () => {
  const forge = {
    type: 'local',
    apiUrl: 'http://127.0.0.1:1',
    repository: 'hello',
    secretRef: { name: 'token' },
  } as const;
  harness.kube.put(resources.repositories, makeRepository({ forge }));
  await harness.start();
  expect(findCondition(harness.repository().status?.conditions, 'Ready')).toMatchObject({
    status: 'False',
    reason: 'SecretNotFound',
    message: 'there is no Secret "token" in namespace default; create it with the key "token"',
  });
});

test('a token that was changed is used within half a minute', async () => {
  const forge = {
    type: 'local',
    apiUrl: 'http://127.0.0.1:1',
    repository: 'hello',
    secretRef: { name: 'token' },
  } as const;
  harness.kube.put(resources.repositories, makeRepository({ forge }));
  const secret = (token: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'token', namespace },
    data: { token: Buffer.from(token).toString('base64') },
  });
  harness.kube.put(resources.secrets, secret('old'));
  await harness.start();
  await harness.push(sha('a'));
  expect(harness.tokens).toEqual(['old']);
  harness.kube.put(resources.secrets, secret('new'));
  await harness.settle(31_000);
  await harness.deliver(pushJob(sha('a')));
  expect(harness.tokens).toEqual(['old', 'new']);
});

test('a suspended repository runs nothing', async () => {
  harness.kube.put(resources.repositories, makeRepository({ suspend: true }));
  await harness.start();
  await harness.push(sha('a'));
  expect(harness.workflows()).toHaveLength(0);
});

const asking = pipelineText
  .replace(/  deploy:[^]*/, '')
  .replace('run: npm test', 'run: npm test, secrets: { TOKEN: npm/token }');

test('a trusted run gets the Secrets that its Repository grants, one of a fork gets none', async () => {
  harness = new Harness();
  harness.kube.put(resources.repositories, makeRepository({ secrets: [{ name: 'npm' }], trust: { forks: 'run' } }));
  for (const commit of ['a', 'b'].map(sha)) harness.commit(commit, { '.sluice/ci.yaml': asking });
  await harness.start();
  await harness.push(sha('a'));
  await harness.deliver(pullRequestJob(sha('b'), sha('a'), { fork: true }));
  expect(JSON.stringify(harness.workflow(sha('a')).spec)).toContain('"secretKeyRef":{"name":"npm","key":"token"}');
  expect(JSON.stringify(harness.workflow(sha('b')).spec)).not.toContain('secretKeyRef');
});

test('a pipeline that asks for a Secret that nobody granted does not run, and its check says so', async () => {
  harness = new Harness();
  harness.commit(sha('a'), { '.sluice/ci.yaml': asking });
  await harness.start();
  await harness.push(sha('a'));
  expect(harness.workflows()).toEqual([]);
  expect(harness.forge.check('ci', sha('a'))).toMatchObject({
    conclusion: 'failure',
    title: 'Refused: it asks for Secret "npm", which Repository hello grants to no run (spec.secrets)',
  });
});

const argo = `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: raw, annotations: { sluice.dev/on-push: main, sluice.dev/on-pull-request: main } }
spec:
  entrypoint: main
  templates: [{ name: main, container: { image: busybox, command: ['true'] } }]
`;

test('a Workflow file runs beside pipelines', async () => {
  harness.commit(sha('a'), { '.sluice/raw.yaml': argo });
  await harness.start();
  await harness.push(sha('a'));
  expect(harness.workflow(sha('a'))).toMatchObject({
    metadata: { labels: { [keys.pipeline]: 'raw' } },
    spec: { entrypoint: 'main', templates: [{ name: 'main', container: { image: 'busybox' } }] },
  });
});

test.for([
  { allow: [] as string[], fork: false, runs: 0 },
  { allow: ['serviceAccount'], fork: false, runs: 1 },
  { allow: ['serviceAccount'], fork: true, runs: 0 },
])('a Workflow file that names a service account: allow $allow, fork $fork gives $runs runs', async (row) => {
  harness.kube.put(resources.repositories, makeRepository({ trust: { forks: 'run', allow: row.allow } }));
  const text = argo.replace('entrypoint: main', 'serviceAccountName: admin\n  entrypoint: main');
  for (const commit of ['a', 'b'].map(sha)) harness.commit(commit, { '.sluice/raw.yaml': text });
  await harness.start();
  await harness.deliver(pullRequestJob(sha('b'), sha('a'), { fork: row.fork }));
  expect(harness.workflows()).toHaveLength(row.runs);
  const refused = 'policy "serviceAccount" of Repository hello forbids spec.serviceAccountName';
  expect(harness.forge.check('raw', sha('b'))?.title.includes(refused) ?? false).toBe(row.runs === 0);
});
