import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, pushFiles, TestCluster } from './cluster.ts';

const cluster = new TestCluster();
beforeAll(async () => {
  await cluster.start();
}, 60_000);
afterAll(() => cluster.stop(), 30_000);

type RunObject = {
  metadata: { name: string; labels: Record<string, string> };
  spec: { shutdown?: string };
  status?: { phase?: string };
};

async function runsOf(repository: string): Promise<readonly RunObject[]> {
  const { out } = await cluster.sluice('get', 'runs', '--repository', repository, '-o', 'json');
  return (JSON.parse(out) as RunObject[]).toReversed();
}

const ended = (repository: string, count: number) =>
  eventually(cluster, `${count} ended runs of ${repository}`, async () => {
    const runs = await runsOf(repository);
    const done = runs.filter(({ status }) => ['Succeeded', 'Failed', 'Error'].includes(status?.phase ?? ''));
    return done.length >= count ? runs : undefined;
  });

const matrix = `apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on: { push: { if: 'event.branch == "main" && event.changed.exists(f, f.endsWith(".txt"))' } }
  steps:
    - { name: test, run: 'echo "it is $NODE on $OS"', matrix: { NODE: [20, 24], OS: [linux] } }
    - name: query
      needs: [test]
      services: { web: { image: busybox, command: [sh, -c, 'echo "from the service" > /workspace/said; sleep 300'] } }
      run: echo queried
`;

test('each combination of a matrix runs with its values, beside it a service that ends with the step', async () => {
  await cluster.sluice('repo', 'add', 'matrix');
  const sha = await pushFiles(cluster, 'matrix', { '.sluice/ci.yaml': matrix, 'a.txt': 'x' });
  const [run] = await ended('matrix', 1);
  expect(run?.status?.phase).toBe('Succeeded');
  const { out, err } = await cluster.sluice('logs', sha);
  expect(err).toBe('');
  expect(out).toContain('[test-20-linux] it is 20 on linux');
  expect(out).toContain('[test-24-linux] it is 24 on linux');
  expect(out).toContain('[query] queried');
}, 60_000);

const grouped = (onNew: string) => `apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on: { push: {} }
  concurrency: { onNew: ${onNew}, per: repository }
  steps:
    - { name: wait, run: 'sleep 3' }
`;

test.for([
  { onNew: 'queue', phases: ['Succeeded', 'Succeeded'] },
  { onNew: 'cancel', phases: ['Failed', 'Succeeded'] },
])('a second run of a group with onNew: $onNew', { timeout: 60_000 }, async ({ onNew, phases }) => {
  await cluster.sluice('repo', 'add', onNew);
  const text = grouped(onNew);
  await pushFiles(cluster, onNew, { '.sluice/ci.yaml': text, 'a.txt': '1' }, 'refs/heads/main');
  await eventually(cluster, 'the first run', async () =>
    (await runsOf(onNew))[0]?.status?.phase === 'Running' ? true : undefined,
  );
  await pushFiles(cluster, onNew, { '.sluice/ci.yaml': text, 'a.txt': '2' }, 'refs/heads/other');
  const second = await eventually(cluster, 'the second run', async () => (await runsOf(onNew))[1]);
  const isRunning = async (name: string): Promise<boolean> => {
    const pods = await cluster.kubectl('get', 'pods', '-l', `workflows.argoproj.io/workflow=${name}`, '-o', 'name');
    return pods.out.includes('pod/');
  };
  // While the first one holds the group, nothing of the second one has begun.
  const firstEnds = (await runsOf(onNew))[0]?.status?.phase;
  expect(firstEnds === 'Running' && (await isRunning(second.metadata.name))).toBe(false);
  const runs = await ended(onNew, 2);
  expect(runs.map(({ status }) => status?.phase)).toEqual(phases);
});
