import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError } from '../container/downward.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { writeAtomically } from './atomic-directory.ts';
import { preparePodVolumes, type VolumePorts } from './pod-volumes.ts';

test('a volume that fails is told only after the others have ended, so that the next try meets no write of this one', async () => {
  const directory = temporaryDirectory();
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  let slowEnded = false;
  const ports: VolumePorts = {
    directory,
    allowHostPath: false,
    claimDirectory: async (name) => {
      if (name === 'unbound') throw new ConfigError('persistentvolumeclaim "unbound" is not bound yet');
      await gate;
      slowEnded = true;
      return join(directory, name);
    },
    node: { podIp: '', hostIp: '', nodeName: 'local' },
    read: () => Promise.resolve(undefined),
    requestToken: () => Promise.resolve({ token: '', expiresAt: 0 }),
  };
  const claim = (claimName: string) => ({ name: claimName, persistentVolumeClaim: { claimName } });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [], volumes: [claim('unbound'), claim('slow')] },
  };
  const told = preparePodVolumes(pod, ports, () => Promise.resolve()).catch((error: unknown) => ({ error, slowEnded }));
  setImmediate(release);
  expect(await told).toMatchObject({ error: expect.any(ConfigError), slowEnded: true });
});

test('a link that a killed process left half way does not stand in the way', async () => {
  const directory = join(temporaryDirectory(), 'v');
  mkdirSync(directory);
  symlinkSync('..old', join(directory, '..data_tmp'));
  await writeAtomically(directory, new Map([['a', { bytes: Buffer.from('1'), mode: 0o444 }]]), 'v1');
  expect(readFileSync(join(directory, 'a'), 'utf8')).toBe('1');
});
