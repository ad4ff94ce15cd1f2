import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArtifactContext, ArtifactMover } from '@sluice/model';
import { onTestFinished } from 'vitest';
import { type ArtifactMoverOptions, createArtifactMover } from '../artifact-mover.ts';

/** A mover over a directory that goes with the test, and the context of a pod whose namespace has these Secrets. */
export function makeWorkbench(
  secrets: Readonly<Record<string, string>> = {},
  options: Partial<ArtifactMoverOptions> = {},
): { readonly mover: ArtifactMover; readonly context: ArtifactContext; readonly path: (name: string) => string } {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-artifacts-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const mover = createArtifactMover({
    directory: join(directory, 'store'),
    scratch: join(directory, 'scratch'),
    gitBinary: '/usr/bin/git',
    attempts: 3,
    firstDelayMs: 1,
    ...options,
  });
  const context: ArtifactContext = {
    namespace: 'ns',
    signal: AbortSignal.timeout(20_000),
    secret: (name, key) => {
      const found = secrets[`${name}/${key}`];
      return found === undefined
        ? Promise.reject(new Error(`secret "${name}" has no key ${key}`))
        : Promise.resolve(found);
    },
  };
  return { mover, context, path: (name) => join(directory, name) };
}
