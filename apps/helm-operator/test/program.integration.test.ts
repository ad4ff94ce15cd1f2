import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestApiServer } from '@sluice/apiserver/testing';
import { createKubeApi } from '@sluice/kube';
import { customResourceDefinitions } from '@sluice/model';
import { applyDefinitions } from '@sluice/reconcile';
import { ProgramProcess } from '@sluice/runtime/testing';
import { expect, onTestFinished, test } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

test('the program holds its lease, shows the figures of its controllers and stops when it is told', async () => {
  const server = await startTestApiServer();
  onTestFinished(() => server.close());
  const data = await mkdtemp(join(tmpdir(), 'sluice-program-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const kubeconfig = join(data, 'kubeconfig');
  await writeFile(kubeconfig, server.kubeconfig());
  const kube = createKubeApi({ transport: server.handle });
  await applyDefinitions(kube, customResourceDefinitions(), { fieldManager: 'test' });

  const lease = 'default/helm-operator';
  const path = process.env['PATH'] ?? '';
  const env = { KUBECONFIG: kubeconfig, SLUICE_DATA: join(data, 'data'), SLUICE_LEASE: lease, PATH: path, HOME: data };
  const program = new ProgramProcess(main, env);
  onTestFinished(async () => void (await program.stop('SIGKILL')));
  await program.said('helm operator started');
  expect((await program.get('/readyz')).status).toBe(200);
  for (const controller of ['helmrelease', 'ocirepository', 'chartkind']) {
    const series = `controller_runtime_max_concurrent_reconciles{controller="${controller}"}`;
    expect(await program.figure(series), controller).toBeGreaterThan(0);
  }
  expect(await program.figure('leader_election_master_status{name="helm-operator"}')).toBe(1);
  expect(await program.stop()).toBe(0);
});
