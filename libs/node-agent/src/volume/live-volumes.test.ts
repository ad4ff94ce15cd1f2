import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Pod, Volume } from '../pod/pod-spec.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { LiveVolumes } from './live-volumes.ts';
import type { VolumePorts } from './pod-volumes.ts';

const minuteMs = 60_000;
const objects = new Map<string, Record<string, string>>();
let directory: string;
let issued: number;
let refuse: boolean;
let problems: unknown[];
let volumes: LiveVolumes;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  directory = temporaryDirectory();
  objects.clear();
  issued = 0;
  refuse = false;
  problems = [];
});
afterEach(async () => {
  await volumes.close();
  vi.useRealTimers();
});

function makePod(volume: Omit<Volume, 'name'>, labels: Record<string, string> = {}): Pod {
  const metadata = { name: 'p', namespace: 'ns', labels };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [], volumes: [{ name: 'v', ...volume }] } };
}

async function prepare(pod: Pod): Promise<void> {
  const ports: VolumePorts = {
    directory,
    allowHostPath: false,
    node: { podIp: '', hostIp: '', nodeName: 'local' },
    claimDirectory: () => Promise.reject(new Error('no claims')),
    read: (kind, name) => {
      const data = objects.get(`${kind}/${name}`);
      return Promise.resolve(data && { apiVersion: 'v1', kind, metadata: { name }, data });
    },
    requestToken: () => {
      if (refuse) return Promise.reject(new Error('refused'));
      return Promise.resolve({ token: `token-${++issued}`, expiresAt: Date.now() + 60 * minuteMs });
    },
  };
  volumes = new LiveVolumes(pod, { ports, now: Date.now, onProblem: (error) => problems.push(error) });
  await volumes.prepare();
}

const file = (name: string): string => readFileSync(join(directory, 'v', name), 'utf8');

test('a changed ConfigMap is seen, and what it has lost is gone', async () => {
  objects.set('configMap/c', { a: '1', b: '1' });
  await prepare(makePod({ configMap: { name: 'c' } }));
  expect([file('a'), file('b')]).toEqual(['1', '1']);
  objects.set('configMap/c', { a: '2', c: '2' });
  volumes.changed('configMap', 'c');
  await vi.waitFor(() => expect(file('a')).toBe('2'));
  expect(readdirSync(join(directory, 'v')).filter((name) => !name.startsWith('..'))).toEqual(['a', 'c']);
});

test('a change of another object, or of nothing, writes nothing', async () => {
  objects.set('secret/s', { a: Buffer.from('1').toString('base64') });
  await prepare(makePod({ projected: { sources: [{ secret: { name: 's' } }] } }));
  const before = readdirSync(join(directory, 'v'));
  objects.set('configMap/s', { a: '2' });
  volumes.changed('configMap', 's');
  volumes.changed('secret', 's');
  await volumes.close();
  expect(readdirSync(join(directory, 'v'))).toEqual(before);
});

test('an object that was deleted leaves the files as they are, and is told', async () => {
  objects.set('configMap/c', { a: '1' });
  await prepare(makePod({ configMap: { name: 'c' } }));
  objects.delete('configMap/c');
  volumes.changed('configMap', 'c');
  await vi.waitFor(() => expect(problems).toHaveLength(1));
  expect(file('a')).toBe('1');
});

test('labels of the pod are shown as they are now', async () => {
  const downwardAPI = { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] };
  await prepare(makePod({ downwardAPI }, { app: 'a' }));
  volumes.update(makePod({ downwardAPI }, { app: 'b' }));
  await vi.waitFor(() => expect(file('labels')).toBe('app="b"'));
});

test('a token is renewed when four fifths of its life are over, and not before', async () => {
  await prepare(makePod({ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }));
  await vi.advanceTimersByTimeAsync(47 * minuteMs);
  expect([file('token'), issued]).toEqual(['token-1', 1]);
  await vi.advanceTimersByTimeAsync(minuteMs);
  await vi.waitFor(() => expect(file('token')).toBe('token-2'));
  await vi.advanceTimersByTimeAsync(48 * minuteMs);
  await vi.waitFor(() => expect(file('token')).toBe('token-3'));
});

test('a token that cannot be renewed is asked for again each minute', async () => {
  await prepare(makePod({ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }));
  refuse = true;
  await vi.advanceTimersByTimeAsync(48 * minuteMs);
  await vi.waitFor(() => expect(problems).toHaveLength(1));
  refuse = false;
  await vi.advanceTimersByTimeAsync(minuteMs);
  await vi.waitFor(() => expect(file('token')).toBe('token-2'));
});
