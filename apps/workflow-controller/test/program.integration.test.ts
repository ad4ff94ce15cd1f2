import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestApiServer } from '@sluice/apiserver/testing';
import { createKubeApi } from '@sluice/kube';
import { customResourceDefinitions, type KubeObject, resources } from '@sluice/model';
import { applyDefinitions } from '@sluice/reconcile';
import { ProgramProcess } from '@sluice/runtime/testing';
import { expect, onTestFinished, test } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const lease = { namespace: 'default', name: 'workflow-controller' };

test('of two replicas one works and shows its figures, and the other takes over when that one is stopped', async () => {
  const server = await startTestApiServer();
  onTestFinished(() => server.close());
  const directory = await mkdtemp(join(tmpdir(), 'sluice-program-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, server.kubeconfig());
  const kube = createKubeApi({ transport: server.handle });
  await applyDefinitions(kube, customResourceDefinitions(), { fieldManager: 'test' });
  const start = (replica: string): ProgramProcess => {
    const env = { KUBECONFIG: kubeconfig, SLUICE_LEASE: `${lease.namespace}/${lease.name}`, POD_NAME: replica };
    const program = new ProgramProcess(main, env);
    onTestFinished(async () => void (await program.stop('SIGKILL')));
    return program;
  };

  const first = start('first');
  await first.said('workflow controller started');
  const second = start('second');
  const metadata = { name: 'w', namespace: 'default' };
  const spec = { entrypoint: 'main', templates: [{ name: 'main', suspend: {} }] };
  await kube.create(resources.workflows, { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata, spec });
  await expect
    .poll(() => first.figure('controller_runtime_reconcile_total{controller="workflow",result="success"}'), {
      timeout: 20_000,
    })
    .toBeGreaterThan(0);

  expect(await first.get('/healthz')).toEqual({ status: 200, text: 'ok\n' });
  expect(await first.get('/readyz')).toEqual({ status: 200, text: 'ok\n' });
  expect(await first.figure('controller_runtime_max_concurrent_reconciles{controller="workflow"}')).toBe(16);
  expect(await first.figure('workqueue_adds_total{name="workflow",controller="workflow"}')).toBeGreaterThan(0);
  const { host } = new URL(server.url);
  expect(await first.figure(`rest_client_requests_total{method="GET",host="${host}",code="200"}`)).toBeGreaterThan(5);
  expect(await first.figure('leader_election_master_status{name="workflow-controller"}')).toBe(1);
  expect(await first.figure('nodejs_eventloop_lag_seconds')).toBeDefined();

  // One that stands by is ready too: a rolling update waits for it.
  await expect.poll(async () => (await second.get('/readyz')).status, { timeout: 10_000 }).toBe(200);
  expect(await second.figure('controller_runtime_max_concurrent_reconciles{controller="workflow"}')).toBeUndefined();
  expect(await first.stop()).toBe(0);
  await second.said('workflow controller started');
  const taken = await kube.get<KubeObject<{ readonly holderIdentity: string }>>(resources.leases, lease);
  expect(taken?.spec?.holderIdentity).toMatch(/^second_/);
});
