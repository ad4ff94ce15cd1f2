import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JsonObject, type KubeObject, resources } from '@sluice/model';
import { detectSandbox } from '@sluice/node-agent';
import { silentLog } from '@sluice/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Local, startLocal } from '../src/local.ts';

type Pod = KubeObject<object, { readonly phase?: string }>;

const support = await detectSandbox();
const why = support.available ? '' : ` (skipped: ${support.reason})`;
const namespace = 'default';

// What programs in pods meet: the API server with and without a token, other pods by name, and nothing of the host's.
describe.skipIf(!support.available)(`inside the cluster${why}`, () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-inside-'));
  let local: Local;
  beforeAll(async () => {
    const ports = { api: 0, forge: 0, registry: 0, receiver: 0 };
    const env = process.env;
    local = await startLocal(
      { directory: join(root, 'data'), host: '127.0.0.1', ports, runtime: 'sandbox', clusterOnly: true, env },
      { log: silentLog, now: Date.now },
    );
  });
  afterAll(async () => {
    await local.close();
    rmSync(root, { recursive: true, force: true });
  });

  const logOf = async (name: string): Promise<string> => {
    const parts: Uint8Array[] = [];
    for await (const part of local.kube.logs({ namespace, name })) parts.push(part);
    return Buffer.concat(parts).toString();
  };

  /** Run a program of Node in a pod to its end; its output. */
  async function run(name: string, program: string, spec: JsonObject = {}): Promise<string> {
    const container = { name: 'main', image: 'node:24', command: ['node', '--input-type=module', '-e', program] };
    await local.kube.create<KubeObject>(resources.pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace },
      spec: { restartPolicy: 'Never', containers: [container], ...spec },
    });
    const phase = async () => (await local.kube.get<Pod>(resources.pods, { namespace, name }))?.status?.phase;
    await expect.poll(phase, { timeout: 15_000 }).toMatch(/Succeeded|Failed/);
    return logOf(name);
  }

  const ask = `
    import { existsSync, readFileSync } from 'node:fs';
    import { request } from 'node:https';
    const mount = '/var/run/secrets/kubernetes.io/serviceaccount/';
    const token = existsSync(mount + 'token') ? readFileSync(mount + 'token', 'utf8') : undefined;
    const ask = (path) => new Promise((resolve, reject) => {
      const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
      const headers = token ? { authorization: 'Bearer ' + token } : {};
      const ca = token && readFileSync(mount + 'ca.crt');
      const options = { host, port, path, headers, ca, rejectUnauthorized: token !== undefined };
      request(options, (response) => resolve(response.resume().statusCode)).on('error', reject).end();
    });
  `;

  test('the API server is reached by its Service with the mounted token, which may do what its account may', async () => {
    const subject = { kind: 'ServiceAccount', name: 'default', namespace };
    const rbac = (plural: string, kind: string) => ({
      group: 'rbac.authorization.k8s.io',
      version: 'v1',
      plural,
      kind,
      namespaced: true,
    });
    const object = (kind: string, more: object) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind,
      metadata: { name: 'look', namespace },
      ...more,
    });
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }];
    await local.kube.create<KubeObject>(rbac('roles', 'Role'), object('Role', { rules }));
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'look' };
    await local.kube.create<KubeObject>(
      rbac('rolebindings', 'RoleBinding'),
      object('RoleBinding', { roleRef, subjects: [subject] }),
    );
    const paths = ['pods', 'secrets'].map((name) => `/api/v1/namespaces/${namespace}/${name}`);
    const program = `${ask} for (const path of ${JSON.stringify(paths)}) console.log(await ask(path));`;
    expect(await run('with-token', program)).toBe('200\n403\n');
  });

  test('a pod without a token is nobody', async () => {
    const program = `${ask} console.log(token); console.log(await ask('/api/v1/namespaces/${namespace}/pods'));`;
    expect(await run('no-token', program, { automountServiceAccountToken: false })).toBe('undefined\n401\n');
  });

  test('neither the kubeconfig nor the store, nor what other pods have, is to be seen', async () => {
    const places = ['kubeconfig', 'context.json', 'store', 'pods', 'pki', 'forge-token'].map((name) =>
      join(root, 'data', name),
    );
    const program = `import { existsSync } from 'node:fs'; console.log(${JSON.stringify(places)}.filter((place) => existsSync(place)));`;
    expect(await run('look', program)).toBe('[]\n');
  });

  test('pods of a StatefulSet are found by their own names behind a headless Service', async () => {
    const selector = { app: 'db' };
    const headless = { clusterIP: 'None', selector, ports: [{ port: 8080 }], publishNotReadyAddresses: true };
    await local.kube.create<KubeObject>(resources.services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'db', namespace },
      spec: headless,
    });
    const env = [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }];
    const serve = `require('node:http').createServer((_, answer) => answer.end(require('node:os').hostname())).listen(8080, process.env.POD_IP)`;
    const container = { name: 'db', image: 'node:24', command: ['node', '-e', serve], env };
    const template = {
      metadata: { labels: selector },
      spec: { terminationGracePeriodSeconds: 1, containers: [container] },
    };
    await local.kube.create<KubeObject>(resources.statefulSets, {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db', namespace },
      spec: { replicas: 2, serviceName: 'db', selector: { matchLabels: selector }, template },
    });
    const program = `
      import { setTimeout as wait } from 'node:timers/promises';
      const hosts = ['db-0.db', 'db-1.db.${namespace}.svc.cluster.local'];
      for (const host of hosts) {
        for (let attempt = 0; attempt < 100; attempt++) {
          const answer = await fetch('http://' + host + ':8080/').then((found) => found.text()).catch(() => undefined);
          if (answer) { console.log(answer); break; }
          await wait(100);
        }
      }`;
    expect(await run('client', program)).toBe('db-0\ndb-1\n');
  });
});
