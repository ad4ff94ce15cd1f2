import { expect, test } from 'vitest';
import type { ContainerInput } from '../container/runtime.ts';
import { fullImageName, imageNameAt } from './image-name.ts';
import { parseUser } from './image-user.ts';
import { buildSpec } from './oci-spec.ts';

test.for([
  ['busybox', 'docker.io/library/busybox:latest'],
  ['bitnami/redis:7', 'docker.io/bitnami/redis:7'],
  ['localhost/a', 'localhost/a:latest'],
  ['127.0.0.1:5000/a/b', '127.0.0.1:5000/a/b:latest'],
  ['ghcr.io/a/b@sha256:1', 'ghcr.io/a/b@sha256:1'],
])('the full name of %s is %s', ([reference = '', want]) => {
  expect(fullImageName(reference)).toBe(want);
});

test('an image by its digest keeps its registry and loses its tag', () => {
  expect(imageNameAt('127.0.0.1:5000/a/b:v1', 'sha256:2')).toBe('127.0.0.1:5000/a/b@sha256:2');
  expect(imageNameAt('127.0.0.1:5000/a/b@sha256:1', 'sha256:1')).toBe('127.0.0.1:5000/a/b@sha256:1');
});

const passwd = (): string => 'root:x:0:0::/:\nweb:x:33:34::/:\n';
const group = (): string => 'root:x:0:\nstaff:x:50:\n';

test.for([
  { text: '', want: { uid: 0, gid: 0 } },
  { text: '7', want: { uid: 7, gid: 0 } },
  { text: '33', want: { uid: 33, gid: 34 } },
  { text: 'web', want: { uid: 33, gid: 34 } },
  { text: 'web:staff', want: { uid: 33, gid: 50 } },
  { text: '7:8', want: { uid: 7, gid: 8 } },
  { text: 'nobody', want: undefined },
  { text: 'web:nobody', want: undefined },
])('the user $text of an image is looked up in its files', ({ text, want }) => {
  expect(parseUser(text, passwd, group)).toEqual(want);
});

type Spec = {
  readonly process: { readonly capabilities: Record<string, readonly string[]>; readonly noNewPrivileges: boolean };
  readonly root: { readonly readonly: boolean };
  readonly mounts: readonly { readonly destination: string; readonly options?: readonly string[] }[];
  readonly linux: { readonly resources: object };
};

function specOf(change: Partial<ContainerInput>, uid = 0): Spec {
  const input: ContainerInput = {
    id: 'x',
    hostname: 'h',
    rootfs: '/r',
    volumes: [],
    command: ['a'],
    env: {},
    workingDir: '/',
    outputPaths: [],
    ...change,
  };
  return buildSpec({ input, user: { uid, gid: uid }, cgroup: '/c', resolvConf: undefined }) as Spec;
}

test('limits and requests become cgroup settings', () => {
  const resources = { limits: { cpu: '1500m', memory: '64Mi' }, requests: { cpu: '250m' } };
  expect(specOf({ resources }).linux.resources).toMatchObject({
    cpu: { shares: 256, quota: 150_000, period: 100_000 },
    memory: { limit: 67_108_864, swap: 67_108_864 },
  });
  expect(specOf({}).linux.resources).not.toHaveProperty('memory');
});

test('capabilities are dropped and added; only the superuser holds them', () => {
  const security = { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] }, allowPrivilegeEscalation: false };
  const { capabilities, noNewPrivileges } = specOf({ security }).process;
  expect([capabilities['effective'], noNewPrivileges]).toEqual([['CAP_NET_BIND_SERVICE'], true]);
  const plain = specOf({}, 1_000).process.capabilities;
  expect([plain['effective'], plain['bounding']?.includes('CAP_CHOWN')]).toEqual([[], true]);
});

test('volumes come after what they lie in, read-only where asked for', () => {
  const volumes = [
    { path: '/data/inner', source: '/b', readOnly: true },
    { path: '/data', source: '/a', readOnly: false },
  ];
  const binds = specOf({ volumes, security: { readOnlyRootFilesystem: true } });
  expect(binds.mounts.slice(-2).map(({ destination }) => destination)).toEqual(['/data', '/data/inner']);
  expect(binds.mounts.at(-1)?.options).toContain('ro');
  expect(binds.root.readonly).toBe(true);
});
