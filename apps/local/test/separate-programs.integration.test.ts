import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type KubeObject, resources } from '@sluice/model';
import { silentLog } from '@sluice/runtime';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addRepository } from '../src/add-repository.ts';
import { type Local, startLocal } from '../src/local.ts';

// The four programs as processes of their own, as on a real cluster: they share nothing but the Kubernetes API and Redis.
const redisFound = spawnSync('redis-server', ['--version']).status === 0;
const apps = join(import.meta.dirname, '../..');
const pipeline = `apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on: { push: { branches: [main] } }
  steps:
    - { name: unit, run: test -f README.md }
    - { name: chart, needs: [unit], package: { chart: { path: chart } } }
  deploy:
    - { environment: staging, release: hello, chart: chart }
`;
const files = {
  'README.md': 'hello\n',
  '.sluice/ci.yaml': pipeline,
  'chart/Chart.yaml': 'apiVersion: v2\nname: hello\nversion: 1.0.0\n',
  'chart/templates/all.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: hello }\ndata: { version: {{ .Chart.AppVersion }} }\n',
};
const environment = {
  apiVersion: 'sluice.dev/v1alpha1',
  kind: 'Environment',
  metadata: { name: 'staging', namespace: 'default' },
  spec: { namespace: 'staging', mode: 'direct', release: { install: { createNamespace: true } } },
};

let root: string;
let local: Local | undefined;
const children: { readonly name: string; readonly child: ChildProcess }[] = [];
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'sluice-programs-'))));
afterEach(async () => {
  for (const { child } of children.splice(0).reverse()) child.kill('SIGKILL');
  await local?.close();
  await rm(root, { recursive: true, force: true });
});

/** Start a process and wait until it prints `ready`. */
async function launch(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv, ready: RegExp) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push({ name, child });
  let output = '';
  const started = Promise.withResolvers<void>();
  const onOutput = (chunk: Buffer): void => {
    output += chunk.toString();
    if (ready.test(output)) started.resolve();
  };
  child.stdout.on('data', onOutput);
  child.stderr.on('data', onOutput);
  child.on('exit', (code) => started.reject(new Error(`${name} ended with ${code}: ${output}`)));
  await started.promise;
}

function program(app: string, args: readonly string[], env: NodeJS.ProcessEnv, ready: RegExp): Promise<void> {
  const main = join(apps, app, 'src', 'main.ts');
  return launch(app, process.execPath, ['--conditions=@sluice/source', main, ...args], env, ready);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

/** A figure that each program shows once it has worked. */
const shown = {
  'webhook-receiver': /rest_client_requests_total\{[^}]*code="200"[^}]*\} [1-9]/,
  orchestrator: /controller_runtime_reconcile_total\{[^}]*controller="run-report"[^}]*\} [1-9]/,
  'workflow-controller': /controller_runtime_reconcile_total\{[^}]*controller="workflow"[^}]*\} [1-9]/,
  'helm-operator': /controller_runtime_reconcile_total\{[^}]*controller="helmrelease"[^}]*\} [1-9]/,
} as const;

/** Starts all four; answers where each serves its figures. */
async function startPrograms({ context }: Local, receiverPort: number): Promise<Record<keyof typeof shown, string>> {
  const redis = join(root, 'redis.sock');
  const redisArgs = ['--port', '0', '--unixsocket', redis, '--dir', root, '--appendonly', 'yes'];
  await launch('redis', 'redis-server', redisArgs, process.env, /ready to accept connections/i);
  const { PATH, HOME, HELM_BIN, XDG_CACHE_HOME } = process.env;
  const env = { PATH, HOME, HELM_BIN, XDG_CACHE_HOME, KUBECONFIG: context.kubeconfig, REDIS_URL: redis };
  const registry = new URL(context.registryUrl).host;
  const address = async (): Promise<string> => `127.0.0.1:${await freePort()}`;
  const figures = {
    'webhook-receiver': await address(),
    orchestrator: await address(),
    'workflow-controller': await address(),
    'helm-operator': await address(),
  };
  const at = (app: keyof typeof shown): string => `--metrics=${figures[app]}`;
  const orchestrator = ['--registry', registry, '--registry-insecure', '--private-hosts=127.0.0.1'];
  await Promise.all([
    program(
      'webhook-receiver',
      ['--host=127.0.0.1', `--port=${receiverPort}`, at('webhook-receiver')],
      env,
      /listening/,
    ),
    program(
      'orchestrator',
      [...orchestrator, '--data', join(root, 'orchestrator'), at('orchestrator')],
      env,
      /orchestrator started/,
    ),
    program('workflow-controller', ['--workers=4', at('workflow-controller')], env, /started/),
    program('helm-operator', ['--data', join(root, 'helm-operator'), at('helm-operator')], env, /started/),
  ]);
  return figures;
}

async function push(url: string): Promise<string> {
  const work = join(root, 'work');
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(work, path, '..'), { recursive: true });
    await writeFile(join(work, path), text);
  }
  const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1' };
  const git = async (...args: readonly string[]): Promise<string> => {
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
    return (await promisify(execFile)('git', ['-C', work, ...identity, ...args], { env })).stdout.trim();
  };
  await git('init', '-q', '-b', 'main');
  await git('add', '-A');
  await git('commit', '-q', '-m', 'first');
  await git('push', '-q', url, 'HEAD:main');
  return git('rev-parse', 'HEAD');
}

describe.skipIf(!redisFound)('four programs of their own (needs redis-server on the PATH)', () => {
  test(
    'a push is tested and released, and every program ends well when it is asked to',
    { timeout: 90_000 },
    async () => {
      const receiver = await freePort();
      const ports = { api: 0, forge: 0, registry: 0, receiver };
      const directory = join(root, 'data');
      const config = {
        directory,
        host: '127.0.0.1',
        ports,
        runtime: 'auto',
        clusterOnly: true,
        env: process.env,
      } as const;
      const cluster = await startLocal(config, { log: silentLog, now: Date.now });
      local = cluster;
      const figures = await startPrograms(cluster, receiver);

      const { kube, context } = cluster;
      await kube.create<KubeObject>(resources.environments, environment);
      const { pushUrl } = await addRepository('hello', 'main', context, { kube, namespace: 'default' });
      const sha = await push(pushUrl);
      const deployed = await vi.waitFor(
        async () => {
          const found = await kube.get<KubeObject>(resources.configMaps, { namespace: 'staging', name: 'hello' });
          if (!found) throw new Error('nothing is deployed yet');
          return found;
        },
        { timeout: 40_000, interval: 200 },
      );
      expect(deployed).toMatchObject({ data: { version: sha } });

      for (const [app, figure] of Object.entries(shown) as [keyof typeof shown, RegExp][]) {
        for (const path of ['healthz', 'readyz']) {
          expect((await fetch(`http://${figures[app]}/${path}`)).status, `${app} ${path}`).toBe(200);
        }
        expect(await (await fetch(`http://${figures[app]}/metrics`)).text(), app).toMatch(figure);
      }
      const programs = children.filter(({ name }) => name !== 'redis');
      const codes = programs.map(async ({ name, child }) => {
        child.kill('SIGTERM');
        const [code] = (await once(child, 'exit')) as [number | null];
        return `${name} ${code}`;
      });
      expect((await Promise.all(codes)).sort()).toEqual([
        'helm-operator 0',
        'orchestrator 0',
        'webhook-receiver 0',
        'workflow-controller 0',
      ]);
    },
  );
});

test.for(['webhook-receiver', 'orchestrator', 'workflow-controller', 'helm-operator'])(
  '%s says what is wrong with its settings before it does anything',
  { timeout: 20_000 },
  (app) => {
    const main = join(apps, app, 'src', 'main.ts');
    const args = ['--conditions=@sluice/source', main, '--log-level=loud'];
    const wrong = spawnSync(process.execPath, args, { env: { HOME: root }, encoding: 'utf8' });
    expect([wrong.status, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('--log-level (SLUICE_LOG_LEVEL): "loud" is none of'),
    ]);
  },
);
