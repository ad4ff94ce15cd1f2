import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestCluster } from './cluster.ts';

type Node = { displayName: string; name: string; type: string; phase: string; children?: string[] };
type Run = { metadata: { name: string }; status?: { phase?: string; nodes?: Record<string, Node> } };
type Release = {
  status?: { history?: { version: number; status: string }[]; conditions?: { type: string; status: string }[] };
};

let cluster: TestCluster;
beforeEach(async () => {
  cluster = new TestCluster();
  await cluster.start();
  await cluster.apply(environment);
}, 60_000);
afterEach(() => cluster.stop(), 30_000);

/** Kill points: what is waited for before the process is killed. */
const points: readonly { readonly name: string; readonly reached: () => Promise<boolean> }[] = [
  { name: 'right after the push was accepted', reached: async () => true },
  { name: 'once the run was made', reached: async () => (await runs()).length > 0 },
  { name: 'while the first step runs', reached: () => hasStep('slow', 'Running') },
  { name: 'between steps', reached: () => hasStep('slow', 'Succeeded') },
  { name: 'while charts are packaged', reached: () => hasStep('chart', 'Running', 'Succeeded') },
  { name: 'during the helm installation', reached: async () => (await helmSecrets()).length > 0 },
];

describe('after SIGKILL and a new start', () => {
  test.for(points)('$name: one run, each step done once, one release', { timeout: 120_000 }, async ({ reached }) => {
    await cluster.sluice('repo', 'add', 'crash');
    push(cluster);
    await until('the kill point', reached);
    await cluster.kill();
    await cluster.start();

    await until('the release', async () => {
      const { status } = (await objects<Release>('helmreleases'))[0] ?? {};
      return status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') ?? false;
    });
    const all = await runs();
    expect(all.map((run) => run.status?.phase)).toEqual(['Succeeded']);
    const nodes = Object.values(all[0]?.status?.nodes ?? {});
    for (const step of ['checkout', 'slow', 'chart']) {
      const succeeded = nodes.filter(
        (node) => node.type === 'Pod' && node.phase === 'Succeeded' && node.name.includes(`.${step}`),
      );
      expect(
        succeeded.map((node) => node.name),
        step,
      ).toHaveLength(1);
    }
    const history = (await objects<Release>('helmreleases'))[0]?.status?.history ?? [];
    expect(history.filter(({ status }) => status === 'deployed')).toHaveLength(1);
    const text = await cluster.kubectl('get', 'configmap', 'crash', '-n', 'target', '-o', 'jsonpath={.data.text}');
    expect(text.out).toBe('installed');
    expect((await cluster.sluice('get', 'checks')).out).toMatch(/ci\s+completed\s+success/);
  });
});

async function objects<T>(kind: string, ...args: string[]): Promise<T[]> {
  const { code, out } = await cluster.kubectl('get', kind, '-o', 'json', ...args);
  return code === 0 ? (JSON.parse(out) as { items: T[] }).items : [];
}

function runs(): Promise<Run[]> {
  return objects<Run>('workflows.argoproj.io');
}

function helmSecrets(): Promise<unknown[]> {
  return objects('secrets', '-A', '-l', 'owner=helm');
}

async function hasStep(name: string, ...phases: string[]): Promise<boolean> {
  const nodes = (await runs()).flatMap((run) => Object.values(run.status?.nodes ?? {}));
  return nodes.some((node) => node.displayName === name && phases.includes(node.phase));
}

async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await probe())) {
    if (Date.now() > deadline) {
      const state = await cluster.kubectl('get', 'workflows,pods,helmreleases,ocirepositories', '-A');
      throw new Error(`${what}: not within 60 s\n${state.out}\n${cluster.log}`);
    }
    await delay(30);
  }
}

function push({ directory }: TestCluster): void {
  const { gitUrl, token } = cluster.context();
  const work = join(directory, 'work');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(work, path, '..'), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  const remote = gitUrl.replace('://', `://sluice:${token}@`);
  const git = (...args: string[]): void => {
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
    execFileSync('git', [...identity, ...args], { cwd: work, stdio: 'pipe' });
  };
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'First');
  git('push', '--quiet', `${remote}/crash.git`, 'main');
}

const environment = `apiVersion: sluice.dev/v1alpha1
kind: Environment
metadata: { name: staging, namespace: default }
spec:
  namespace: target
  mode: direct
  release:
    interval: 1m
    timeout: 20s
    install: { createNamespace: true, strategy: { name: RetryOnFailure, retryInterval: 1s } }
    upgrade: { strategy: { name: RetryOnFailure, retryInterval: 1s } }
`;

const files: Readonly<Record<string, string>> = {
  '.sluice/pipeline.yaml': `apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on: { push: { branches: [main] } }
  steps:
    - { name: slow, retry: 2, run: "echo begin; sleep 1; echo end" }
    - { name: chart, needs: [slow], retry: 2, package: { chart: { path: chart } } }
  deploy:
    - { environment: staging, chart: chart }
`,
  'chart/Chart.yaml': 'apiVersion: v2\nname: crash\nversion: 1.0.0\n',
  'chart/templates/all.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { text: installed }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }} }
spec:
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: busybox
          command: [sh, -c, "sleep 1; touch /tmp/ready; exec sleep 600"]
          readinessProbe: { exec: { command: [test, -e, /tmp/ready] }, periodSeconds: 1 }
`,
};
