import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiServer } from '@sluice/apiserver';
import { startTestApiServer } from '@sluice/apiserver/testing';
import { createKubeApi, httpTransport, type HttpTransport, loadKubeconfig } from '@sluice/kube';
import { type KubeObject, resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { kubeApiContract } from '@sluice/reconcile/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// The fake that unit tests use keeps the same claims (libs/reconcile): here they are kept by the real server.
const directory = mkdtempSync(join(tmpdir(), 'sluice-kube-api-'));
let server: ApiServer;
let transport: HttpTransport;
let overNetwork: KubeApi;
beforeAll(async () => {
  server = await startTestApiServer();
  const path = join(directory, 'kubeconfig');
  writeFileSync(path, server.kubeconfig());
  transport = httpTransport(await loadKubeconfig({ path, env: {} }));
  overNetwork = createKubeApi({ transport });
});
afterAll(async () => {
  await transport.close();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

let count = 0;
async function keeps(kube: KubeApi, { run }: (typeof kubeApiContract)[number]): Promise<void> {
  const name = `contract-${++count}`;
  await kube.create<KubeObject>(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await run(kube, name);
}

describe('the contract of KubeApi is kept', () => {
  test.for(kubeApiContract)('in process: $name', async (claim) => {
    await expect(keeps(createKubeApi({ transport: server.handle }), claim)).resolves.toBeUndefined();
  });

  test.for(kubeApiContract)('over HTTPS with the written kubeconfig: $name', async (claim) => {
    await expect(keeps(overNetwork, claim)).resolves.toBeUndefined();
  });
});
