import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { makePod } from '../testing/pod-builder.ts';
import { type ContainerView, PathEscape, resolveInView } from './container-view.ts';
import { fieldValue, resourceValue } from './downward.ts';
import { buildEnvironment } from './environment.ts';
import { expandReferences } from './expansion.ts';
import { maxResultBytes, StreamTail } from './outputs.ts';
import { pathRewriter } from './process-rewrite.ts';
import { parseQuantity, quotient } from './quantity.ts';
import { serviceVariables } from './service-variables.ts';

const view: ContainerView = [
  { path: '/', source: '/pods/1/rootfs', readOnly: false },
  { path: '/tmp', source: '/pods/1/rootfs/tmp', readOnly: false },
  { path: '/workspace', source: '/volumes/w', readOnly: false },
  { path: '/workspace/cache', source: '/volumes/c', readOnly: false },
];

const rewrites: { name: string; text: string; want: string }[] = [
  { name: 'rewrites a path alone', text: '/tmp', want: '/pods/1/rootfs/tmp' },
  { name: 'rewrites the head of a path', text: 'cat /workspace/src/a.txt', want: 'cat /volumes/w/src/a.txt' },
  { name: 'takes the deepest mount', text: '/workspace/cache/x', want: '/volumes/c/x' },
  { name: 'rewrites the value of an option', text: '--out=/tmp/x', want: '--out=/pods/1/rootfs/tmp/x' },
  { name: 'rewrites in a list', text: '/tmp:/workspace', want: '/pods/1/rootfs/tmp:/volumes/w' },
  {
    name: 'rewrites in quotes and redirections',
    text: 'echo x >/tmp/a; cat "/tmp/b"',
    want: 'echo x >/pods/1/rootfs/tmp/a; cat "/pods/1/rootfs/tmp/b"',
  },
  { name: 'rewrites a file URL', text: 'file:///workspace/a', want: 'file:///volumes/w/a' },
  { name: 'rewrites an output file', text: 'echo x > /result.txt', want: 'echo x > /pods/1/rootfs/result.txt' },
  { name: 'rewrites before a full stop', text: 'see /tmp.', want: 'see /pods/1/rootfs/tmp.' },
  { name: 'leaves a longer name', text: '/tmpfile /workspaces /tmp.txt', want: '/tmpfile /workspaces /tmp.txt' },
  {
    name: 'leaves the tail of a path',
    text: '/var/tmp ./tmp ../tmp $HOME/tmp ${A}/tmp ~/tmp',
    want: '/var/tmp ./tmp ../tmp $HOME/tmp ${A}/tmp ~/tmp',
  },
  { name: 'leaves a URL', text: 'https://example.org/tmp/x', want: 'https://example.org/tmp/x' },
];
test.for(rewrites)('$name', ({ text, want }) => {
  const rewrite = pathRewriter(view, [...view.map(({ path }) => path), '/result.txt']);
  expect(rewrite(text)).toBe(want);
});

test('paths of tools mean themselves, also below a path that is rewritten', () => {
  const rewrite = pathRewriter(view, ['/tmp'], ['/tmp/data/bin']);
  expect(rewrite('PATH=/tmp/data/bin:/tmp/mine')).toBe('PATH=/tmp/data/bin:/pods/1/rootfs/tmp/mine');
});

const expansions: { text: string; want: string }[] = [
  { text: '$(A)-$(B)', want: 'one-$(B)' },
  { text: '$$(A)', want: '$(A)' },
  { text: '$A ${A} $', want: '$A ${A} $' },
  { text: '$(A', want: '$(A' },
  { text: '$$$(A)', want: '$one' },
];
test.for(expansions)('expands $text to $want', ({ text, want }) => {
  expect(expandReferences(text, (name) => (name === 'A' ? 'one' : undefined))).toBe(want);
});

const quantities: { quantity: string; divisor: string; want: string }[] = [
  { quantity: '500m', divisor: '1m', want: '500' },
  { quantity: '1500m', divisor: '1', want: '2' },
  { quantity: '1Gi', divisor: '1Mi', want: '1024' },
  { quantity: '0.1', divisor: '1m', want: '100' },
  { quantity: '1e3', divisor: '1', want: '1000' },
];
test.for(quantities)('$quantity over $divisor is $want', ({ quantity, divisor, want }) => {
  expect(quotient(quantity, divisor)).toBe(want);
});
test('a text that is no quantity is none', () => {
  for (const text of ['', 'x', '1 Gi', '1Q', '--1']) expect(parseQuantity(text)).toBeUndefined();
});

test('Services become the variables that Kubernetes sets', () => {
  const service = (name: string, namespace: string, clusterIP: string) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { clusterIP, ports: [{ name: 'web-ui', port: 80 }] },
  });
  const services = [
    service('my-app', 'default', '127.96.0.9'),
    service('far', 'other', '127.96.0.8'),
    service('head', 'default', 'None'),
  ];
  expect(serviceVariables(services, 'default', true)).toEqual({
    MY_APP_SERVICE_HOST: '127.96.0.9',
    MY_APP_SERVICE_PORT: '80',
    MY_APP_SERVICE_PORT_WEB_UI: '80',
    MY_APP_PORT: 'tcp://127.96.0.9:80',
    MY_APP_PORT_80_TCP: 'tcp://127.96.0.9:80',
    MY_APP_PORT_80_TCP_PROTO: 'tcp',
    MY_APP_PORT_80_TCP_PORT: '80',
    MY_APP_PORT_80_TCP_ADDR: '127.96.0.9',
  });
  expect(serviceVariables(services, 'default', false)).toEqual({});
});

const node = { nodeName: 'local', hostIp: '127.0.0.1', podIp: '127.64.0.7' };

test('the downward API answers what Kubernetes answers', () => {
  const pod = makePod('p')
    .sh('x', { resources: { limits: { memory: '64Mi' } } })
    .labels({ b: '2', a: 'x"y' })
    .build();
  expect(fieldValue(pod, { fieldPath: "metadata.labels['b']" }, node)).toBe('2');
  expect(fieldValue(pod, { fieldPath: 'metadata.labels' }, node)).toBe('a="x\\"y"\nb="2"');
  expect(fieldValue(pod, { fieldPath: 'status.podIP' }, node)).toBe('127.64.0.7');
  expect(() => fieldValue(pod, { fieldPath: 'spec.tolerations' }, node)).toThrow(/downward API/);
  expect(resourceValue(pod, 'main', { resource: 'limits.memory', divisor: '1Mi' })).toBe('64');
  expect(resourceValue(pod, 'main', { resource: 'requests.cpu' })).toBe('0');
});

test('the environment follows the order of precedence and expands references to earlier variables', async () => {
  const pod = makePod().sh('x', {
    envFrom: [{ configMapRef: { name: 'c' }, prefix: 'P_' }, { secretRef: { name: 'gone', optional: true } }],
    env: [
      { name: 'A', value: 'a' },
      { name: 'B', value: '$(A)-$(P_K)-$(Z)' },
      { name: 'S', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
      { name: 'N', valueFrom: { secretKeyRef: { name: 's', key: 'none', optional: true } } },
    ],
  });
  const container = pod.build().spec?.containers[0];
  if (!container) throw new Error('no container');
  const object = (data: Record<string, string>) => ({ apiVersion: 'v1', kind: 'x', metadata: { name: 'x' }, data });
  const read = (_kind: string, name: string) =>
    Promise.resolve(name === 'c' ? object({ K: 'v' }) : name === 's' ? object({ k: btoa('geheim') }) : undefined);
  const env = await buildEnvironment({ pod: pod.build(), container, node, services: [], base: { A: 'base' }, read });
  expect(env).toEqual({ A: 'a', B: 'a-v-$(Z)', P_K: 'v', S: 'geheim' });
});

test('a missing ConfigMap is named', async () => {
  const pod = makePod()
    .sh('x', { envFrom: [{ configMapRef: { name: 'settings' } }] })
    .build();
  const container = pod.spec?.containers[0];
  if (!container) throw new Error('no container');
  const read = () => Promise.resolve(undefined);
  await expect(buildEnvironment({ pod, container, node, services: [], base: {}, read })).rejects.toThrow(
    'configmap "settings" not found',
  );
});

test('links are followed inside the container only', () => {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'a/b'), { recursive: true });
  writeFileSync(join(root, 'a/b/f'), 'x');
  symlinkSync('/etc/passwd', join(root, 'abs'));
  symlinkSync('../../../../../../etc/passwd', join(root, 'a/up'));
  symlinkSync('/a/b', join(root, 'dir'));
  symlinkSync('loop', join(root, 'loop'));
  const own: ContainerView = [{ path: '/', source: root, readOnly: false }];
  expect(resolveInView(own, '/abs')).toBe(join(root, 'etc/passwd'));
  expect(resolveInView(own, '/a/up')).toBe(join(root, 'etc/passwd'));
  expect(resolveInView(own, '/dir/f')).toBe(join(root, 'a/b/f'));
  expect(resolveInView(own, '/../../etc')).toBe(join(root, 'etc'));
  expect(() => resolveInView(own, '/loop')).toThrow(PathEscape);
});

test('the tail of a stream keeps its last 256 KiB and never half a character', () => {
  const tail = new StreamTail(maxResultBytes);
  for (let i = 0; i < 300; i++) tail.add(Buffer.from('ä'.repeat(1_024)));
  tail.add(Buffer.from('x'));
  const text = tail.text();
  expect(Buffer.byteLength(text)).toBe(maxResultBytes - 1);
  expect(text.endsWith('äx')).toBe(true);
  expect(text).not.toContain('\ufffd');
});
