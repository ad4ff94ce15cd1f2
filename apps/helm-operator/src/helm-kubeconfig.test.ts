import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { helmKubeconfig } from './helm-kubeconfig.ts';

let dataDirectory: string;
beforeEach(async () => void (dataDirectory = await mkdtemp(join(tmpdir(), 'sluice-kubeconfig-'))));
afterEach(() => rm(dataDirectory, { recursive: true }));

test('a file that was named is used as it is', async () => {
  const kubeconfig = join(dataDirectory, 'mine');
  await writeFile(kubeconfig, '{}');
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
  expect(await helmKubeconfig({ kubeconfig, dataDirectory, env })).toBe(kubeconfig);
});

test('in a pod helm reads the token of the account from where the kubelet renews it', async () => {
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
  const path = await helmKubeconfig({ kubeconfig: undefined, dataDirectory, env });
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
    clusters: [{ cluster: { server: 'https://[fd00::1]:6443' } }],
    users: [{ user: { tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token' } }],
  });
});

test('several files and none are refused', async () => {
  await expect(helmKubeconfig({ kubeconfig: '/a:/b', dataDirectory, env: {} })).rejects.toThrow('one file only');
  const nowhere = helmKubeconfig({ kubeconfig: undefined, dataDirectory, env: { HOME: dataDirectory } });
  await expect(nowhere).rejects.toThrow('.kube/config does not exist; name one with --kubeconfig or KUBECONFIG');
});
