import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KubeObject, type Resource, resources } from '@sluice/model';
import { silentLog } from '@sluice/runtime';
import type { Template, Workflow, WorkflowSpec } from '@sluice/workflow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Local, startLocal } from '../src/local.ts';

const roleBindings: Resource = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'rolebindings',
  kind: 'RoleBinding',
  namespaced: true,
};

let directory: string;
let local: Local;
let web: Server;
let webUrl: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-tasks-'));
  const ports = { api: 0, forge: 0, registry: 0, receiver: 0 };
  const config = { directory: join(directory, 'data'), host: '127.0.0.1', ports, runtime: 'process' } as const;
  local = await startLocal({ ...config, env: { ...process.env } }, { log: silentLog, now: Date.now });
  for (const name of ['free', 'bound'])
    await local.kube.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'all', namespace: 'free' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'free' }],
  };
  await local.kube.create(roleBindings, binding as KubeObject);
  web = createServer((request, response) => {
    response.writeHead(request.url === '/broken' ? 500 : 200, { 'x-seen': String(request.headers['x-token']) });
    response.end(`{"asked":"${request.method} ${request.url}"}`);
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await local?.close();
  web?.closeAllConnections();
  web?.close();
  rmSync(directory, { recursive: true, force: true });
});

let count = 0;

/** Run a Workflow to its end. */
async function run(
  namespace: string,
  templates: readonly Template[],
  spec: Partial<WorkflowSpec> = {},
): Promise<Workflow> {
  const name = `task-${++count}`;
  await local.kube.create<Workflow>(resources.workflows, {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name, namespace },
    spec: { entrypoint: 'main', templates, ...spec },
  });
  return untilWorkflow(namespace, name, (one) => one.metadata.labels?.['workflows.argoproj.io/completed'] === 'true');
}

async function untilWorkflow(
  namespace: string,
  name: string,
  isWanted: (workflow: Workflow, gone: boolean) => boolean,
): Promise<Workflow> {
  const signal = AbortSignal.timeout(25_000);
  for await (const event of local.kube.watch<Workflow>(resources.workflows, {
    namespace,
    sendInitialEvents: true,
    signal,
  }))
    if (
      event.type !== 'BOOKMARK' &&
      event.object.metadata.name === name &&
      isWanted(event.object, event.type === 'DELETED')
    )
      return event.object;
  throw new Error('the watch ended first');
}

const outputsOf = ({ status }: Workflow, name: string): Readonly<Record<string, unknown>> => {
  const node = Object.values(status?.nodes ?? {}).find(({ displayName }) => displayName === name);
  return Object.fromEntries((node?.outputs?.parameters ?? []).map((parameter) => [parameter.name, parameter.value]));
};

const configMap = (name: string, data: object, metadata: object = {}) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data });

test('a resource is created, patched, read and deleted; its outputs come by JSONPath and jq', async () => {
  const step = (name: string, template: string) => [{ name, template }];
  const workflow = await run('free', [
    { name: 'main', steps: ['create', 'patch', 'get', 'remove', 'again'].map((name) => step(name, name)) },
    {
      name: 'create',
      resource: { action: 'create', setOwnerReference: true, manifest: configMap('made', { a: '{"n":[1,2]}' }) },
    },
    {
      name: 'patch',
      resource: {
        action: 'patch',
        mergeStrategy: 'json',
        flags: ['configmap', 'made'],
        manifest: '- {op: add, path: /data/b, value: two}',
      },
    },
    {
      name: 'get',
      resource: { action: 'get', manifest: configMap('made', {}) },
      outputs: {
        parameters: [
          { name: 'path', valueFrom: { jsonPath: '{.data.b}' } },
          { name: 'jq', valueFrom: { jqFilter: '.data.a | fromjson | .n[1]' } },
          { name: 'none', valueFrom: { jsonPath: '{.data.absent}', default: 'fallback' } },
        ],
      },
    },
    { name: 'remove', resource: { action: 'delete', flags: ['cm/made'] } },
    { name: 'again', resource: { action: 'delete', flags: ['cm', 'made', '--ignore-not-found'] } },
  ]);
  expect(workflow.status).toMatchObject({ phase: 'Succeeded' });
  expect(outputsOf(workflow, 'get')).toEqual({ path: 'two', jq: '2\n', none: 'fallback' });
});

test('a resource is waited for until its condition holds, and fails the step when the other one does', async () => {
  const pod = (name: string, script: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'tools', command: ['sh', '-c', script] }] },
    });
  const conditions = {
    successCondition: 'status.phase == Succeeded',
    failureCondition: 'status.phase in (Failed, Error)',
  };
  const good = await run('free', [
    { name: 'main', resource: { action: 'create', manifest: pod('good', 'sleep 0.2'), ...conditions } },
  ]);
  expect(good.status).toMatchObject({ phase: 'Succeeded' });
  const bad = await run('free', [
    { name: 'main', resource: { action: 'create', manifest: pod('bad', 'exit 1'), ...conditions } },
  ]);
  expect(bad.status).toMatchObject({
    phase: 'Failed',
    message: expect.stringMatching(/main: Error \(exit code 64\).*failure condition .* evaluated true/),
  });
});

test.for([
  ['what its service account may not', { action: 'create', manifest: configMap('x', {}) }, /forbidden/],
  [
    'a kind that the cluster does not have',
    { action: 'get', manifest: '{apiVersion: v1, kind: Nothing}' },
    /no matches for kind/,
  ],
  ['a manifest without a kind', { action: 'get', manifest: 'apiVersion: v1' }, /kind must be set/],
  ['a manifest that is no YAML', { action: 'get', manifest: 'a: [b' }, /no YAML/],
  [
    'a flag that is not known',
    { action: 'delete', flags: ['cm', 'x', '--kubeconfig=/etc/x'] },
    /--kubeconfig=\/etc\/x is not supported/,
  ],
] as const)('a resource template cannot do %s', async ([, resource, why]) => {
  const workflow = await run('bound', [{ name: 'main', resource: resource as never }]);
  expect(workflow.status).toMatchObject({ phase: 'Failed', message: expect.stringMatching(why) });
});

test('a jq filter that never ends is ended, and the step fails', async () => {
  const workflow = await run('free', [
    {
      name: 'main',
      resource: { action: 'create', manifest: configMap('endless', {}) },
      outputs: { parameters: [{ name: 'x', valueFrom: { jqFilter: 'def f: f; f' } }] },
    },
  ]);
  expect(workflow.status).toMatchObject({ phase: 'Failed', message: expect.stringContaining('jqFilter') });
});

test('a data template lists what lies in the repository and filters it', async () => {
  const workflow = await run('free', [
    { name: 'main', steps: [[{ name: 'make', template: 'make' }], [{ name: 'list', template: 'list' }]] },
    {
      name: 'make',
      container: { image: 'tools', command: ['sh', '-c', 'mkdir /tmp/d && touch /tmp/d/a.py /tmp/d/b.pdf'] },
      outputs: { artifacts: [{ name: 'd', path: '/tmp/d', archive: { none: {} }, s3: { key: 'listed' } }] },
    },
    {
      name: 'list',
      data: {
        source: { artifactPaths: { name: 'all', s3: { key: 'listed' } } },
        transformation: [{ expression: 'filter(data, {# endsWith ".py"})' }],
      },
    },
  ]);
  expect(workflow.status?.phase).toBe('Succeeded');
  const node = Object.values(workflow.status?.nodes ?? {}).find(({ displayName }) => displayName === 'list');
  expect(node).toMatchObject({ type: 'Pod', outputs: { result: '["listed/a.py"]' } });
});

test('an HTTP template gives the body as its result; its condition and the status decide', async () => {
  const http = (url: string, more: object = {}): Template => ({ name: 'main', http: { url, ...more } as never });
  const good = await run('free', [
    http(`${webUrl}/ok`, {
      method: 'POST',
      body: 'x',
      headers: [{ name: 'X-Token', value: 't' }],
      successCondition: 'response.statusCode == 200 && response.headers["X-Seen"][0] == "t"',
    }),
  ]);
  expect(good.status?.phase).toBe('Succeeded');
  const [node] = Object.values(good.status?.nodes ?? {});
  expect(node).toMatchObject({ type: 'HTTP', outputs: { result: '{"asked":"POST /ok"}' } });
  const bad = await run('free', [http(`${webUrl}/broken`)]);
  expect(bad.status).toMatchObject({ phase: 'Failed', message: expect.stringContaining('non-2xx response code: 500') });
});

test('artifacts are deleted when the run ends or when it is deleted, as each of them says', async () => {
  const workflow = await run(
    'free',
    [
      {
        name: 'main',
        container: { image: 'tools', command: ['sh', '-c', 'echo 1 > /tmp/now; echo 2 > /tmp/later'] },
        outputs: {
          artifacts: [
            { name: 'now', path: '/tmp/now', artifactGC: { strategy: 'OnWorkflowCompletion' } },
            { name: 'later', path: '/tmp/later', archive: { none: {} } },
          ],
        },
      },
    ],
    { artifactGC: { strategy: 'OnWorkflowDeletion' } },
  );
  const { name } = workflow.metadata;
  const kept = join(directory, 'data/workflow-artifacts/free', name, name);
  const isDeleted = ({ status }: Workflow, artifact: string): boolean =>
    Object.values(status?.nodes ?? {})[0]?.outputs?.artifacts?.find((one) => one.name === artifact)?.['deleted'] ===
    true;
  await untilWorkflow('free', name, (one) => isDeleted(one, 'now'));
  expect(existsSync(join(kept, 'now.tgz'))).toBe(false);
  expect(existsSync(join(kept, 'later'))).toBe(true);
  await local.kube.delete(resources.workflows, { namespace: 'free', name });
  await untilWorkflow('free', name, (_one, gone) => gone);
  expect(existsSync(kept)).toBe(false);
});
