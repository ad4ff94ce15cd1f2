import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestCluster } from './cluster.ts';

const cluster = new TestCluster();
beforeAll(async () => {
  await cluster.start();
}, 60_000);
afterAll(() => cluster.stop(), 30_000);

const pod = `apiVersion: v1
kind: Pod
metadata: { name: talker, namespace: everyday, labels: { app: talker } }
spec:
  restartPolicy: Never
  containers:
    - name: main
      image: busybox
      command: [sh, -c, "echo one; echo two; sleep 1; echo three"]
`;

/** In order: each line is a command, its exit code and what its output must contain. */
const kubectlLines: readonly (readonly [string, number, RegExp])[] = [
  ['create namespace everyday', 0, /namespace\/everyday created/],
  ['get namespaces', 0, /NAME\s+STATUS\s+AGE[\s\S]*everyday\s+Active/],
  ['create configmap settings --from-literal=a=1 -n everyday', 0, /configmap\/settings created/],
  ['create configmap settings --from-literal=a=1 -n everyday', 1, /already exists/],
  ['get configmap settings -n everyday -o yaml', 0, /a: "1"/],
  ['get configmap nowhere -n everyday', 1, /configmaps "nowhere" not found/],
  ['label configmap settings team=blue -n everyday', 0, /labeled/],
  ['get configmaps -n everyday -l team=blue -o name', 0, /configmap\/settings/],
  ['annotate configmap settings note=x -n everyday', 0, /annotated/],
  ['patch configmap settings -n everyday --type merge -p {"data":{"b":"2"}}', 0, /patched/],
  ['get configmap settings -n everyday -o jsonpath={.data.b}', 0, /^2$/],
  ['create secret generic token --from-literal=key=value -n everyday', 0, /secret\/token created/],
  ['create serviceaccount robot -n everyday', 0, /serviceaccount\/robot created/],
  ['create deployment web --image=busybox --replicas=2 -n everyday -- sleep 600', 0, /deployment.apps\/web created/],
  ['rollout status deployment/web -n everyday --timeout=20s', 0, /successfully rolled out/],
  ['get deployments -n everyday', 0, /web\s+2\/2\s+2\s+2/],
  ['wait --for=condition=Available deployment/web -n everyday --timeout=10s', 0, /condition met/],
  ['scale deployment/web --replicas=3 -n everyday', 0, /scaled/],
  ['rollout status deployment/web -n everyday --timeout=20s', 0, /successfully rolled out/],
  ['get replicasets -n everyday', 0, /web-[a-z0-9]+\s+3\s+3\s+3/],
  ['set env deployment/web COLOUR=green -n everyday', 0, /env updated/],
  ['rollout status deployment/web -n everyday --timeout=30s', 0, /successfully rolled out/],
  ['rollout history deployment/web -n everyday', 0, /REVISION[\s\S]*1[\s\S]*2/],
  ['rollout undo deployment/web -n everyday', 0, /rolled back/],
  ['describe deployment web -n everyday', 0, /Name:\s+web[\s\S]*Replicas:\s+3 desired/],
  ['expose deployment web --port=80 --target-port=8080 -n everyday', 0, /exposed/],
  ['get service web -n everyday', 0, /ClusterIP\s+127\./],
  ['api-resources', 0, /workflows\s+wf[\s\S]*Workflow/],
  ['api-versions', 0, /argoproj.io\/v1alpha1/],
  ['explain deployment.spec.replicas', 0, /FIELD: replicas/],
  ['explain helmrelease.spec', 0, /chartRef/],
  ['auth can-i create pods', 0, /yes/],
  ['get nodes', 0, /local\s+Ready/],
  ['get events -n everyday', 0, /REASON/],
  ['delete deployment web -n everyday', 0, /deleted/],
  ['delete configmap settings -n everyday', 0, /deleted/],
];

describe('kubectl', () => {
  test('does the everyday verbs', { timeout: 180_000 }, async () => {
    for (const [line, code, wanted] of kubectlLines) {
      const result = await cluster.kubectl(...line.split(' '));
      expect(`${line}: ${result.code}\n${result.out}${result.err}`).toMatch(new RegExp(`: ${code}\\n`));
      expect(`${result.out}${result.err}`, line).toMatch(wanted);
    }
  });

  test('applies, waits for, follows and deletes a pod', { timeout: 60_000 }, async () => {
    expect((await cluster.apply(pod)).out).toMatch(/pod\/talker created/);
    expect((await cluster.apply(pod)).out).toMatch(/pod\/talker unchanged/);
    expect(
      (await cluster.kubectl('wait', '--for=condition=Ready', 'pod/talker', '-n', 'everyday', '--timeout=10s')).code,
    ).toBe(0);
    expect((await cluster.kubectl('logs', '-f', 'talker', '-n', 'everyday')).out).toBe('one\ntwo\nthree\n');
    const table = await cluster.kubectl('get', 'pods', '-l', 'app=talker', '-n', 'everyday');
    expect(table.out).toMatch(/NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+talker\s+0\/1\s+Completed/);
    expect((await cluster.apply(pod, '--server-side', '--force-conflicts')).out).toMatch(/serverside-applied/);
    expect((await cluster.kubectl('delete', 'pod', 'talker', '-n', 'everyday')).out).toMatch(/deleted/);
  });

  test('asking for the log of a container that has not started says why', { timeout: 30_000 }, async () => {
    const waiting = pod
      .replace('name: talker,', 'name: stuck,')
      .replace('image: busybox', 'image: busybox\n      envFrom: [{ configMapRef: { name: absent } }]');
    await cluster.apply(waiting);
    const { code, err } = await cluster.kubectl('logs', 'stuck', '-n', 'everyday');
    expect(code).toBe(1);
    expect(err).toMatch(/waiting to start|absent/);
  });
});

describe('helm', () => {
  const charts = mkdtempSync(join(tmpdir(), 'sluice-chart-'));
  afterAll(() => rmSync(charts, { recursive: true, force: true }));

  test('installs, upgrades, rolls back and uninstalls with --wait', { timeout: 120_000 }, async () => {
    writeChart(charts);
    const at = ['-n', 'everyday', '--wait', '--timeout', '30s'];
    expect(await outcome('install', 'box', charts, ...at)).toMatch(/^0[\s\S]*STATUS: deployed/);
    expect(await outcome('list', '-n', 'everyday')).toMatch(/box\s+everyday\s+1[\s\S]*deployed/);
    expect(await outcome('upgrade', 'box', charts, '--set', 'text=second', ...at)).toMatch(/^0[\s\S]*REVISION: 2/);
    expect(
      (await cluster.kubectl('get', 'configmap', 'box', '-n', 'everyday', '-o', 'jsonpath={.data.text}')).out,
    ).toBe('second');
    expect(await outcome('rollback', 'box', '1', ...at)).toMatch(/^0[\s\S]*Rollback was a success/);
    expect(
      (await cluster.kubectl('get', 'configmap', 'box', '-n', 'everyday', '-o', 'jsonpath={.data.text}')).out,
    ).toBe('first');
    expect(await outcome('status', 'box', '-n', 'everyday')).toMatch(/^0[\s\S]*REVISION: 3/);
    expect(await outcome('history', 'box', '-n', 'everyday')).toMatch(/^0[\s\S]*Rollback to 1/);
    expect(await outcome('uninstall', 'box', ...at)).toMatch(/^0[\s\S]*uninstalled/);
    expect((await cluster.kubectl('get', 'configmap', 'box', '-n', 'everyday')).code).toBe(1);
  });

  async function outcome(...args: string[]): Promise<string> {
    const { code, out, err } = await cluster.helm(...args);
    return `${code}\n${out}${err}`;
  }
});

function writeChart(directory: string): void {
  mkdirSync(join(directory, 'templates'), { recursive: true });
  writeFileSync(join(directory, 'Chart.yaml'), 'apiVersion: v2\nname: box\nversion: 0.1.0\n');
  writeFileSync(join(directory, 'values.yaml'), 'text: first\n');
  writeFileSync(
    join(directory, 'templates/all.yaml'),
    `apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { text: {{ .Values.text }} }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }} }
spec:
  replicas: 1
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} }, annotations: { text: {{ .Values.text }} } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: main, image: busybox, command: [sleep, "600"] }]
`,
  );
}

describe('sluice', () => {
  test('the same name twice is one repository', { timeout: 30_000 }, async () => {
    const first = await cluster.sluice('repo', 'add', 'twice', '-o', 'json');
    const second = await cluster.sluice('repo', 'add', 'twice', '-o', 'json');
    expect(first.code).toBe(0);
    expect(JSON.parse(second.out)).toEqual(JSON.parse(first.out));
    expect((await cluster.sluice('get', 'repos', '-o', 'name')).out).toBe('twice\n');
  });

  test('a workflow is submitted, watched, and its logs can be read', { timeout: 60_000 }, async () => {
    const file = join(cluster.directory, 'workflow.yaml');
    writeFileSync(
      file,
      `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: greet }
spec:
  entrypoint: main
  arguments: { parameters: [{ name: who, value: world }] }
  templates:
    - name: main
      container: { image: busybox, command: [echo], args: ["hello {{workflow.parameters.who}}"] }
`,
    );
    const submitted = await cluster.sluice('submit', file, '--watch', '-p', 'who=Ada');
    expect(submitted.err).toMatch(/greet Succeeded/);
    expect(submitted.code).toBe(0);
    expect((await cluster.sluice('logs', 'greet')).out).toMatch(/hello Ada/);
    expect((await cluster.sluice('logs', '@latest', '-f')).code).toBe(0);
    expect((await cluster.sluice('get', 'runs')).out).toMatch(/greet[\s\S]*Succeeded/);
    expect((await cluster.sluice('submit', file)).err).toMatch(/already exists/);
  });

  test.for([
    { name: 'a run that is not there', args: ['logs', 'nothing'], code: 4, says: /no run "nothing"/ },
    { name: 'an unknown format', args: ['get', 'runs', '-o', 'xml'], code: 2, says: /table, json, yaml or name/ },
    { name: 'an unknown kind', args: ['get', 'cats'], code: 4, says: /runs, releases, checks, repos, environments/ },
    { name: 'an unknown command', args: ['fly'], code: 2, says: /unknown command/ },
    { name: 'a name that cannot be a repository', args: ['repo', 'add', 'Not OK'], code: 2, says: /lower-case/ },
    { name: 'a file that is not there', args: ['lint', 'nowhere.yaml'], code: 4, says: /no such file/ },
  ])('$name ends with code $code and says what to do', { timeout: 30_000 }, async ({ args, code, says }) => {
    const result = await cluster.sluice(...args);
    expect({ code: result.code, err: result.err }).toEqual({ code, err: expect.stringMatching(says) as string });
  });
});
