import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { loadKubeconfig } from './kubeconfig.ts';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'sluice-kubeconfig-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const base = `
apiVersion: v1
kind: Config
current-context: here
clusters:
  - { name: c, cluster: { server: 'https://127.0.0.1:7443', certificate-authority-data: ${btoa('CA')} } }
contexts:
  - { name: here, context: { cluster: c, user: u, namespace: team } }
  - { name: there, context: { cluster: nosuch, user: u } }
`;

test('a token and an inline authority', async () => {
  const path = write('token', `${base}\nusers: [{ name: u, user: { token: t } }]`);
  expect(await loadKubeconfig({ path })).toEqual({
    server: 'https://127.0.0.1:7443',
    ca: 'CA',
    namespace: 'team',
    token: 't',
  });
});

test('certificate files are relative to the kubeconfig', async () => {
  write('client.crt', 'CERT');
  write('client.key', 'KEY');
  const user = '{ client-certificate: client.crt, client-key: client.key }';
  const path = write('certificate', `${base}\nusers: [{ name: u, user: ${user} }]`);
  expect(await loadKubeconfig({ path })).toMatchObject({ cert: 'CERT', key: 'KEY' });
});

test('of several files in KUBECONFIG the first that has an entry counts, and missing files are passed over', async () => {
  const first = write('first', 'users: [{ name: u, user: { token: first } }]');
  const second = write('second', `${base}\nusers: [{ name: u, user: { token: second } }]`);
  const env = { KUBECONFIG: `${first}:${join(folder, 'nosuch')}:${second}` };
  expect(await loadKubeconfig({ env })).toMatchObject({ token: 'first', server: 'https://127.0.0.1:7443' });
});

test('a token file becomes a header', async () => {
  write('token-file', 'from-file\n');
  const path = write('token-file-config', `${base}\nusers: [{ name: u, user: { tokenFile: token-file } }]`);
  const access = await loadKubeconfig({ path });
  expect(await access.headers?.()).toEqual({ authorization: 'Bearer from-file' });
});

test('an exec plug-in is asked for the token', async () => {
  const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'x' } };
  const script = write('plugin.mjs', `console.log(${JSON.stringify(JSON.stringify(credential))})`);
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: process.execPath,
    args: [script],
    interactiveMode: 'Never',
  };
  const path = write('exec', `${base}\nusers: [{ name: u, user: { exec: ${JSON.stringify(exec)} } }]`);
  const access = await loadKubeconfig({ path });
  expect(await access.headers?.()).toEqual({ authorization: 'Bearer x' });
});

test('an OpenID Connect provider gives its id token', async () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${part({ alg: 'none' })}.${part({ exp: Math.floor(Date.now() / 1_000) + 3_600 })}.x`;
  const config = { 'id-token': token, 'client-id': 'c', 'idp-issuer-url': 'https://127.0.0.1:1', 'refresh-token': 'r' };
  const user = { 'auth-provider': { name: 'oidc', config } };
  const path = write('oidc', `${base}\nusers: [{ name: u, user: ${JSON.stringify(user)} }]`);
  const access = await loadKubeconfig({ path });
  expect(await access.headers?.()).toEqual({ authorization: `Bearer ${token}` });
});

test('a pod uses its service account, and a renewed token', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  write('ca.crt', 'CA');
  write('namespace', 'team\n');
  write('token', 'first\n');
  const service = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT_HTTPS: '443' };
  const access = await loadKubeconfig({ env: { ...service, SERVICE_ACCOUNT_DIRECTORY: folder } });
  expect(access).toMatchObject({ server: 'https://[fd00::1]:443', ca: 'CA', namespace: 'team' });
  expect(await access.headers?.()).toEqual({ authorization: 'Bearer first' });
  write('token', 'second\n');
  vi.advanceTimersByTime(61_000);
  expect(await access.headers?.()).toEqual({ authorization: 'Bearer second' });
  vi.useRealTimers();
});

test('a pod without a service account is told what to mount', async () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', SERVICE_ACCOUNT_DIRECTORY: join(folder, 'none') };
  const missing = loadKubeconfig({ env });
  await expect(missing).rejects.toThrow('does the pod mount its service account token?');
});

const wrong: { name: string; text: string; context?: string; want: string }[] = [
  { name: 'no YAML', text: '{', want: 'is not YAML' },
  { name: 'no current context', text: 'clusters: []', want: 'no current-context' },
  { name: 'an unknown context', text: base, context: 'x', want: 'there is no context named "x"' },
  { name: 'an unknown cluster', text: base, context: 'there', want: 'cluster nosuch has no server' },
  { name: 'an unknown user', text: base, want: 'no user u' },
];
test.for(wrong)('$name is said with the file', async ({ name, text, context, want }) => {
  const path = write(`wrong ${name}`, text);
  const failed = loadKubeconfig({ path, ...(context && { context }) });
  await expect(failed).rejects.toThrow(want);
  await expect(failed).rejects.toThrow(path);
});

test('a missing file says how to name another', async () => {
  await expect(loadKubeconfig({ path: join(folder, 'absent') })).rejects.toThrow('--kubeconfig FILE');
});
