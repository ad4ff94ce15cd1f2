import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startS3Server } from '@sluice/artifacts/testing';
import { type KubeObject, resources } from '@sluice/model';
import { podNameOf, type Workflow } from '@sluice/workflow';
import { expect, onTestFinished, test } from 'vitest';
import { shell, startCluster } from './cluster.ts';

const made = (workflow: Workflow, name: string) =>
  Object.values(workflow.status?.nodes ?? {}).find((node) => node.displayName === name)?.outputs?.artifacts;

test('real processes: an artifact goes from step to step, through a directory, a raw text and a sub path', async () => {
  const cluster = await startCluster();
  const from = '{{tasks.make.outputs.artifacts.tree}}';
  const workflow = await cluster.run([
    {
      name: 'main',
      dag: {
        tasks: [
          { name: 'make', template: 'make' },
          { name: 'whole', template: 'read', depends: 'make', arguments: { artifacts: [{ name: 'in', from }] } },
          {
            name: 'part',
            template: 'read',
            depends: 'make',
            arguments: {
              artifacts: [{ name: 'in', from: '{{tasks.make.outputs.artifacts.plain}}', subPath: 'deep/b' }],
            },
          },
        ],
      },
    },
    {
      name: 'make',
      inputs: { artifacts: [{ name: 'seed', path: '/tmp/seed', raw: { data: 'seed text' }, mode: 0o644 }] },
      container: shell('mkdir -p /tmp/tree/deep && cp /tmp/seed /tmp/tree/a && echo b > /tmp/tree/deep/b'),
      outputs: {
        artifacts: [
          { name: 'tree', path: '/tmp/tree' },
          { name: 'plain', path: '/tmp/tree', archive: { none: {} } },
          { name: 'maybe', path: '/tmp/absent', optional: true },
        ],
      },
    },
    {
      name: 'read',
      inputs: { artifacts: [{ name: 'in', path: '/tmp/in' }] },
      container: shell('if test -d /tmp/in; then cat /tmp/in/a /tmp/in/deep/b; else cat /tmp/in; fi'),
    },
  ]);
  expect(workflow.status?.phase).toBe('Succeeded');
  const pod = podNameOf('real', 'real.make', 'make');
  expect(made(workflow, 'make')).toMatchObject([
    { name: 'tree', path: '/tmp/tree', plugin: { key: `real/${pod}/tree.tgz` } },
    { name: 'plain', plugin: { key: `real/${pod}/tree` } },
  ]);
  expect(await cluster.log(podNameOf('real', 'real.whole', 'read'))).toBe('seed textb\n');
  expect(await cluster.log(podNameOf('real', 'real.part', 'read'))).toBe('b\n');
});

test('real processes: a step whose artifact is missing is an error that says so; nothing of it runs on', async () => {
  const cluster = await startCluster();
  const workflow = await cluster.run([
    {
      name: 'main',
      container: shell('echo done'),
      outputs: { artifacts: [{ name: 'out', path: '/tmp/never' }] },
    },
  ]);
  expect(workflow.status).toMatchObject({
    phase: 'Error',
    message: expect.stringContaining('artifact "out": /tmp/never: the file does not exist'),
  });
});

test('real processes: an input that cannot be had ends the step before it starts', async () => {
  const cluster = await startCluster();
  const location = { plugin: { name: 'local', key: 'not/there' } };
  const workflow = await cluster.run([
    {
      name: 'main',
      inputs: { artifacts: [{ name: 'in', path: '/tmp/in', ...location }] },
      container: shell('echo ran'),
    },
  ]);
  expect(workflow.status).toMatchObject({
    phase: 'Error',
    message: expect.stringContaining('artifact "in": there is no artifact with the key "not/there"'),
  });
});

test('real processes: logs are kept; artifacts that cannot be deleted are told and stay, and hold the run only where that is wanted', async () => {
  // The node of this cluster deletes nothing.
  const cluster = await startCluster();
  const workflow = await cluster.run(
    [
      {
        name: 'main',
        container: shell('echo to the log; echo 1 > /tmp/now'),
        outputs: { artifacts: [{ name: 'now', path: '/tmp/now', artifactGC: { strategy: 'OnWorkflowCompletion' } }] },
      },
    ],
    { archiveLogs: true, artifactGC: { strategy: 'OnWorkflowDeletion', forceFinalizerRemoval: true } },
  );
  expect(workflow.status?.phase).toBe('Succeeded');
  expect(workflow.metadata.finalizers).toEqual(['workflows.argoproj.io/artifact-gc']);
  const kept = join(cluster.artifacts, 'default/real/real');
  expect(readFileSync(join(kept, 'main.log'), 'utf8')).toBe('to the log\n');
  const told = await untilWorkflow(cluster.kube, ({ status }) => isProcessed(status?.artifactGCStatus));
  expect(told?.status?.conditions).toContainEqual(expect.objectContaining({ type: 'ArtifactGCError', status: 'True' }));
  expect(readdirSync(kept).toSorted()).toEqual(['main.log', 'now.tgz']);
  await cluster.kube.delete(resources.workflows, { namespace: 'default', name: 'real' });
  expect(await untilWorkflow(cluster.kube, () => false)).toBeUndefined();
});

function isProcessed(status: unknown): boolean {
  const { strategiesProcessed = {} } = (status ?? {}) as { strategiesProcessed?: Record<string, boolean> };
  return strategiesProcessed['OnWorkflowCompletion'] === true;
}

/** Wait until the workflow is as wanted, or gone. */
async function untilWorkflow(
  kube: Awaited<ReturnType<typeof startCluster>>['kube'],
  isWanted: (workflow: Workflow) => boolean,
): Promise<Workflow | undefined> {
  const signal = AbortSignal.timeout(20_000);
  const options = { namespace: 'default', sendInitialEvents: true, signal };
  for await (const event of kube.watch<Workflow>(resources.workflows, options))
    if (event.type === 'DELETED') return undefined;
    else if (event.type !== 'BOOKMARK' && isWanted(event.object)) return event.object;
  throw new Error('the watch ended first');
}

test('real processes: the repository that a ConfigMap names is used, with credentials from a Secret and a host of the cluster', async () => {
  const s3 = await startS3Server({ ak: 'sk' });
  onTestFinished(() => s3.close());
  s3.createBucket('ci');
  const cluster = await startCluster({ host: '127.0.0.1' });
  const secret = { data: { a: Buffer.from('ak').toString('base64'), s: Buffer.from('sk').toString('base64') } };
  await cluster.kube.create(resources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'cred', namespace: 'default' },
    ...secret,
  } as KubeObject);
  const repository = {
    s3: {
      endpoint: `store.example:${s3.port}`,
      insecure: true,
      bucket: 'ci',
      keyFormat: 'runs/{{workflow.name}}/{{pod.name}}',
      accessKeySecret: { name: 'cred', key: 'a' },
      secretKeySecret: { name: 'cred', key: 's' },
    },
  };
  await cluster.kube.create(resources.configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'repositories', namespace: 'default' },
    data: { ci: JSON.stringify(repository) },
  } as KubeObject);
  const workflow = await cluster.run(
    [
      {
        name: 'main',
        container: shell('echo text > /tmp/out'),
        outputs: { artifacts: [{ name: 'out', path: '/tmp/out', archive: { zip: {} } }] },
      },
    ],
    { artifactRepositoryRef: { configMap: 'repositories', key: 'ci' } },
  );
  expect(workflow.status).toMatchObject({
    phase: 'Succeeded',
    artifactRepositoryRef: { configMap: 'repositories', key: 'ci', namespace: 'default' },
  });
  expect([...(s3.buckets.get('ci')?.keys() ?? [])]).toEqual(['runs/real/real/out.zip']);
  expect(made(workflow, 'real')).toMatchObject([{ s3: { key: 'runs/real/real/out.zip' } }]);
  expect(JSON.stringify(workflow.status)).not.toContain('sk"');
});

test('real processes: the containers of a set run in their order, are tried again, and a failure keeps its dependents from starting', async () => {
  const cluster = await startCluster();
  const container = (name: string, script: string, dependencies?: string[]) => ({
    name,
    ...shell(script),
    ...(dependencies ? { dependencies } : {}),
  });
  const workflow = await cluster.run([
    {
      name: 'main',
      volumes: [{ name: 'work', emptyDir: {} }],
      containerSet: {
        volumeMounts: [{ name: 'work', mountPath: '/work' }],
        retryStrategy: { retries: 1 },
        containers: [
          container('a', 'if test -e /work/tried; then echo 1 > /work/a; else touch /work/tried; exit 3; fi'),
          container('b', 'cat /work/a', ['a']),
          container('c', 'exit 7', ['b']),
          container('d', 'echo never', ['c']),
        ],
      },
    },
  ]);
  const phases = Object.fromEntries(
    Object.values(workflow.status?.nodes ?? {}).map((node) => [node.displayName, node.phase]),
  );
  expect(phases).toEqual({ real: 'Failed', a: 'Succeeded', b: 'Succeeded', c: 'Failed', d: 'Failed' });
  expect(workflow.status?.message).toBe('c: Error (exit code 7)');
  expect(await cluster.log('real', 'b')).toBe('1\n');
});
