import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, pushFiles, TestCluster } from './cluster.ts';

const cluster = new TestCluster();
beforeAll(async () => {
  await cluster.start();
  await cluster.sluice('repo', 'add', 'app');
  await cluster.apply(environment);
}, 60_000);
afterAll(() => cluster.stop(), 30_000);

const environment = `apiVersion: sluice.dev/v1alpha1
kind: Environment
metadata: { name: staging, namespace: default }
spec: { namespace: staging, mode: direct, release: { timeout: 60s } }
`;
const pipeline = `apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on: { push: { branches: [main, next] } }
  steps:
    - { name: chart, package: { chart: { path: chart } } }
  deploy:
    - { environment: staging, chart: chart }
`;
const template = `apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { color: {{ .Values.color }} }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: app }
spec:
  replicas: 1
  selector: { matchLabels: { app: app } }
  template:
    metadata: { labels: { app: app } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: main, image: busybox, command: [sleep, "600"] }]
`;
const files = (color: string): Record<string, string> => ({
  '.sluice/ci.yaml': pipeline,
  'chart/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
  'chart/values.yaml': `color: ${color}\n`,
  'chart/templates/all.yaml': template,
});
const color = async (): Promise<string> =>
  (await cluster.kubectl('get', 'configmap', 'settings', '-n', 'staging', '-o', 'jsonpath={.data.color}')).out;
const released = (revision: number, sha: string) =>
  eventually(cluster, `revision ${revision} of ${sha}`, async () => {
    const { out } = await cluster.sluice('get', 'releases');
    return new RegExp(`app-staging\\s+True\\s+${revision}\\s.*\\s${sha.slice(0, 7)}\\s`).test(out) ? true : undefined;
  });

test(
  'a release is looked at, compared, held, gone on with, rolled back and upgraded again',
  { timeout: 150_000 },
  async () => {
    const say = async (...args: string[]) => {
      const { code, out, err } = await cluster.sluice('release', ...args);
      return `${code}\n${out}${err}`;
    };
    const first = await pushFiles(cluster, 'app', files('red'));
    await released(1, first);
    expect(await say('status', 'app-staging')).toMatch(
      /^0\nRelease:\s+staging\/app\nState:\s+Ready \(InstallSucceeded\)/,
    );
    const status = await cluster.sluice('release', 'status', 'app-staging', '-o', 'json');
    expect(JSON.parse(status.out)).toMatchObject({ name: 'app-staging', phase: 'Ready' });
    expect(await say('history', 'app-staging')).toMatch(/REVISION[^]*1\s+install\s+deployed\s+app@1\.0\.0-/);
    const trace = await say('trace', 'app-staging');
    expect(trace).toMatch(/^0\n/);
    expect(trace).toMatch(
      new RegExp(
        `commit +${first}[^]*run +app-ci-[^]*Succeeded[^]*OCIRepository[^]*release +staging/app revision 1 +Ready[^]*pod +app-`,
      ),
    );
    expect(await say('diff', 'app-staging')).toBe('0\nno object changes\n');
    const values = join(cluster.directory, 'values.yaml');
    writeFileSync(values, 'color: blue\n');
    expect(await say('diff', 'app-staging', '--values', values)).toBe(
      '1\n~ ConfigMap/settings data.color: red → blue\n',
    );

    const second = await pushFiles(cluster, 'app', files('green'), 'refs/heads/next');
    await released(2, second);
    expect(await say('diff', 'app-staging', '--from', '1', '--to', '2')).toMatch(
      /^1\n~ ConfigMap\/settings data.color: red → green\n$/,
    );
    expect(await say('rollback', 'app-staging')).toMatch(
      /^0\n[^]*goes back to what revision 1 was[^]*Ready \(UpgradeSucceeded\)/,
    );
    await released(3, first);
    expect(await color()).toBe('red');
    expect((await cluster.sluice('release', 'history', 'app-staging', '-o', 'name')).out).toBe('3\n2\n1\n');
    expect(await say('rollback', 'app-staging', '9')).toMatch(/^4\n.*has no revision 9 in its history; it has 3, 2/);

    expect(await say('suspend', 'app-staging')).toBe('0\nrelease app-staging is suspended\n');
    expect(await say('status', 'app-staging')).toMatch(/^1\n[^]*State:\s+Suspended/);
    expect(await say('reconcile', 'app-staging')).toMatch(/^1\n.*is suspended.*sluice release resume app-staging/);
    expect(await say('resume', 'app-staging')).toMatch(/^0\n/);
    expect(await say('reconcile', 'app-staging', '--force', '--with-source')).toMatch(/^0\n/);
    await released(4, first);
    expect((await cluster.helm('history', 'app', '-n', 'staging')).out.trim().split('\n')).toHaveLength(5);
  },
);

test.for([
  {
    name: 'an unknown release',
    args: ['status', 'nothing'],
    code: 4,
    says: /there is no release "nothing" in namespace default; there/,
  },
  { name: 'a duration that is none', args: ['reconcile', 'x', '--timeout', 'soon'], code: 2, says: /--timeout soon/ },
  { name: 'an unknown format', args: ['history', 'x', '-o', 'xml'], code: 2, says: /table, json, yaml or name/ },
])('$name ends with code $code and says what to do', { timeout: 30_000 }, async ({ args, code, says }) => {
  const result = await cluster.sluice('release', ...args);
  expect({ code: result.code, err: result.err }).toEqual({ code, err: expect.stringMatching(says) as string });
});

test(
  'waiting for a release that waits for its source ends in time, and says for what',
  { timeout: 30_000 },
  async () => {
    await cluster.apply(
      'apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: { name: lost, namespace: default }\nspec: { interval: 1h, chartRef: { kind: OCIRepository, name: nowhere } }\n',
    );
    const { code, err } = await cluster.sluice('release', 'reconcile', 'lost', '--timeout', '2s');
    expect({ code, err }).toEqual({
      code: 7,
      err: expect.stringMatching(/OCIRepository default\/nowhere \(spec.chartRef\) does not exist/) as string,
    });
  },
);
