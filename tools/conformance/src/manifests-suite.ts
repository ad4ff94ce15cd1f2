import { readRows } from './manifests/expectation.ts';
import { playRow } from './manifests/play.ts';
import { type Stage, startStage } from './manifests/stage.ts';
import type { Suite } from './suite.ts';

let stage: Promise<Stage> | undefined;

/** Manifests that really run: every step is a process of the embedded cluster. */
export const manifestsSuite: Suite = {
  name: 'manifests',
  folder: 'argo',
  concurrency: 4,
  load: (directory) =>
    Promise.resolve(
      readRows(directory).map((row) => ({
        set: row.features.find((feature) => !feature.startsWith('upstream-skip')) ?? 'other',
        id: row.file,
        play: async () => {
          stage ??= startStage();
          return playRow(await stage, directory, row);
        },
      })),
    ),
  close: async () => (await stage)?.close(),
};
