import { expect, test } from 'vitest';
import { makePod, type PodChange } from './builders.ts';
import { buildEndpoints, buildSlices, isSelected, type Service } from './service-endpoints.ts';

type Spec = NonNullable<Service['spec']>;

function makeService(spec: Spec = {}): Service {
  const metadata = { name: 'svc', namespace: 'ns', uid: 'uid-svc', labels: { team: 't' } };
  const ports = [{ name: 'web', port: 80, targetPort: 'http' }];
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: 'a' }, ports, ...spec } };
}

function pod(name: string, ip: string, change: PodChange = { readySince: 0 }, port = 8080) {
  const containers = [{ name: 'main', ports: [{ name: 'http', containerPort: port }] }];
  return makePod(name, { ip, ...change, spec: { containers } });
}

test('ready, unready and terminating pods are told apart', () => {
  const pods = [
    pod('a', '127.64.0.1'),
    pod('b', '127.64.0.2', {}),
    pod('c', '127.64.0.3', { readySince: 0, deleting: true }),
  ];
  const [slice] = buildSlices(makeService(), pods);
  expect(slice?.endpoints.map(({ addresses, conditions }) => [addresses[0], conditions])).toEqual([
    ['127.64.0.1', { ready: true, serving: true, terminating: false }],
    ['127.64.0.2', { ready: false, serving: false, terminating: false }],
    ['127.64.0.3', { ready: false, serving: true, terminating: true }],
  ]);
  expect(slice?.ports).toEqual([{ name: 'web', port: 8080, protocol: 'TCP' }]);
  expect(slice?.metadata.labels).toMatchObject({ 'kubernetes.io/service-name': 'svc', team: 't' });
  const { subsets } = buildEndpoints(makeService(), pods);
  expect(subsets?.[0]?.addresses?.map(({ ip }) => ip)).toEqual(['127.64.0.1']);
  expect(subsets?.[0]?.notReadyAddresses?.map(({ ip }) => ip)).toEqual(['127.64.0.2']);
});

test('pods that name their port differently have slices of their own', () => {
  const slices = buildSlices(makeService(), [pod('a', '127.64.0.1'), pod('b', '127.64.0.2', { readySince: 0 }, 9090)]);
  expect(slices.map(({ ports }) => ports[0]?.port)).toEqual([8080, 9090]);
  expect(new Set(slices.map(({ metadata }) => metadata.name)).size).toBe(2);
});

test('more than a hundred endpoints take several slices, whose names stay', () => {
  const pods = Array.from({ length: 250 }, (_, n) => pod(`p${n}`, `127.64.1.${n}`));
  const slices = buildSlices(makeService(), pods);
  expect(slices.map(({ endpoints }) => endpoints.length)).toEqual([100, 100, 50]);
  expect(buildSlices(makeService(), pods.toReversed())).toEqual(slices);
});

test('pods without an address, and those that have ended, are no endpoints', () => {
  const pods = [makePod('a'), pod('b', '127.64.0.1', { phase: 'Succeeded' })];
  expect(buildSlices(makeService(), pods)).toEqual([]);
  expect(buildEndpoints(makeService(), pods).subsets).toBeUndefined();
});

test('a service may publish pods that are not ready', () => {
  const [slice] = buildSlices(makeService({ publishNotReadyAddresses: true }), [pod('a', '127.64.0.1', {})]);
  expect(slice?.endpoints[0]?.conditions).toEqual({ ready: true, serving: false, terminating: false });
});

test('a service without a selector selects nothing', () => {
  expect(isSelected(makeService({ selector: {} }), pod('a', ''))).toBe(false);
  expect(isSelected(makeService(), pod('a', ''))).toBe(true);
});
