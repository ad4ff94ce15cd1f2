import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, pushFiles, TestCluster } from './cluster.ts';

const cluster = new TestCluster();
beforeAll(async () => {
  await cluster.start();
}, 60_000);
afterAll(() => cluster.stop(), 30_000);

const pipeline = `apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on: { pullRequest: {} }
  steps:
    - { name: slow, run: sleep 60 }
`;

type RunObject = { metadata: { name: string; annotations: Record<string, string> }; status?: { phase?: string } };

/** Runs by phase, oldest first. */
async function runs(): Promise<readonly RunObject[]> {
  const list = JSON.parse((await cluster.sluice('get', 'runs', '-o', 'json')).out) as RunObject[];
  return list.toReversed();
}

const phasesBecome = (...wanted: string[]) =>
  eventually(cluster, `phases ${wanted.join(', ')}`, async () => {
    const phases = (await runs()).map(({ status }) => status?.phase ?? 'Pending');
    return phases.join() === wanted.join() ? phases : undefined;
  });

test(
  'a pull request is talked to: cancel, retest, an approval that is not needed, close',
  { timeout: 120_000 },
  async () => {
    expect((await cluster.sluice('repo', 'add', 'talk')).code).toBe(0);
    await pushFiles(cluster, 'talk', { 'a.txt': 'one\n' });
    const head = await pushFiles(cluster, 'talk', { 'a.txt': 'two\n', '.sluice/ci.yaml': pipeline }, 'refs/for/main');
    await phasesBecome('Running');
    expect((await cluster.sluice('pr', 'list', 'talk')).out).toMatch(
      new RegExp(`#1 +open +main +${head.slice(0, 12)}`),
    );

    expect(await cluster.sluice('pr', 'comment', 'talk', '1', '/cancel')).toMatchObject({
      code: 0,
      out: 'commented on talk #1\n',
    });
    await phasesBecome('Failed');
    await cluster.sluice('pr', 'comment', 'talk', '#1', '/retest');
    await phasesBecome('Failed', 'Running');

    const [, again] = await runs();
    expect((await cluster.sluice('cancel', again!.metadata.name)).code).toBe(0);
    await phasesBecome('Failed', 'Failed');
    expect((await cluster.sluice('cancel', again!.metadata.name)).code).toBe(1);
    const rerun = await cluster.sluice('rerun', again!.metadata.name, '-o', 'name');
    expect(rerun.code).toBe(0);
    await phasesBecome('Failed', 'Failed', 'Running');

    await cluster.sluice('pr', 'comment', 'talk', '1', '/ok-to-test', head);
    const refused = await eventually(cluster, 'the answer', async () => {
      const { out } = await cluster.sluice('get', 'checks', '--repository', 'talk', '--sha', head);
      return out.split('\n').find((line) => line.includes('sluice command'));
    });
    expect(refused).toContain('needs no approval');

    expect((await cluster.sluice('pr', 'comment', 'talk', 'x', 'hello')).code).toBe(2);
    expect((await cluster.sluice('pr', 'comment', 'talk', '9', 'hello')).code).toBe(4);
    expect((await cluster.sluice('pr', 'close', 'talk', '1')).code).toBe(0);
    await phasesBecome('Failed', 'Failed', 'Failed');
  },
);

const printing = `apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: print }
spec:
  on: { push: {} }
  steps:
    - name: print
      secrets: { TOKEN: npm/token }
      run: |
        echo "plain $TOKEN"
        printf %s "token=$TOKEN" | base64
        exit 1
`;

test('a step gets a granted secret, and neither its log nor its check shows it', { timeout: 60_000 }, async () => {
  const value = 'correct-horse-battery';
  await cluster.sluice('repo', 'add', 'print');
  await cluster.kubectl('create', 'secret', 'generic', 'npm', `--from-literal=token=${value}`);
  const grant = JSON.stringify({ spec: { secrets: [{ name: 'npm' }] } });
  expect((await cluster.kubectl('patch', 'repository', 'print', '--type', 'merge', '-p', grant)).code).toBe(0);
  const sha = await pushFiles(cluster, 'print', { '.sluice/print.yaml': printing });
  const log = await cluster.sluice('logs', '-f', sha, 'print');
  expect(log.out).toBe('plain ***\ndG9rZW49***\n');
  expect((await cluster.sluice('logs', sha, 'print', '--unmasked')).out).toContain(`plain ${value}`);
  const { forgeUrl } = cluster.context();
  const checks = await eventually(cluster, 'the check', async () => {
    const text = await (await fetch(`${forgeUrl}/api/v1/repos/print/commits/${sha}/checks`)).text();
    return text.includes('"failure"') ? text : undefined;
  });
  expect(checks).toContain('plain ***');
  expect(checks).not.toContain(value);
  expect(checks).not.toContain(Buffer.from(`token=${value}`).toString('base64').slice(9, 20));
});

test('deliveries are listed, shown and handled again without a second run', { timeout: 60_000 }, async () => {
  const listed = await cluster.sluice('deliveries', 'list', '-o', 'json');
  const deliveries = JSON.parse(listed.out) as { id: string; event: string; state: string; repository: string }[];
  const push = deliveries.find(({ event, repository }) => event === 'push' && repository === 'default/print');
  expect(push).toMatchObject({ state: 'done' });
  const { id } = push!;
  expect((await cluster.sluice('deliveries', 'list')).out).toMatch(new RegExp(`${id.slice(0, 12)} +done +push`));
  expect((await cluster.sluice('deliveries', 'show', id.slice(0, 12))).out).toContain('ref: refs/heads/main');
  const before = (await runs()).length;
  expect((await cluster.sluice('deliveries', 'replay', id.slice(0, 12))).code).toBe(0);
  await eventually(cluster, 'the replay', async () => {
    const { out } = await cluster.sluice('deliveries', 'show', id, '-o', 'json');
    return (JSON.parse(out) as { state: string }).state === 'done' || undefined;
  });
  expect(await runs()).toHaveLength(before);
  expect((await cluster.sluice('deliveries', 'show', 'ffffffffffff')).code).toBe(4);
  expect((await cluster.sluice('deliveries', 'show', 'zz')).code).toBe(2);
});
