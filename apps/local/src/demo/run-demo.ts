import { join } from 'node:path';
import { addRepository } from '../add-repository.ts';
import { forgeClient } from '../forge-client.ts';
import type { Local } from '../local.ts';
import { createWorkingCopy } from './git-client.ts';
import { StoryError, type World } from './observe.ts';
import { playStory, type Record } from './story.ts';
import type { DemoOptions, DemoSummary } from './summary.ts';
import type { View } from './view.ts';

/** Play the demo's story on a started embedded cluster. Never throws: what went wrong is in the summary. */
export async function runDemo(local: Local, view: View, options: DemoOptions): Promise<DemoSummary> {
  const { now, signal } = options;
  const startedAt = now();
  const record: Record = { runs: [], digests: new Map(), releases: [] };
  let error: string | undefined;
  try {
    const { kube, context } = local;
    const repository = await addRepository('hello', 'main', context, { kube, namespace: 'default' }, signal);
    const copy = await createWorkingCopy(options.sample, join(options.workDirectory, 'hello'), repository.pushUrl);
    const world: World = {
      kube,
      forge: forgeClient(context),
      repository: 'hello',
      namespace: 'default',
      view,
      signal,
      now,
    };
    await playStory(world, copy, record);
  } catch (thrown) {
    error =
      thrown instanceof StoryError
        ? thrown.message
        : thrown instanceof Error
          ? (thrown.stack ?? thrown.message)
          : String(thrown);
  } finally {
    view.close();
  }
  const { pushToFirstStepMs, pushToReleasedMs } = record;
  return {
    ok: error === undefined,
    ...(error === undefined ? {} : { error }),
    runs: record.runs,
    releases: record.releases,
    timings: {
      readyMs: local.readyMs,
      ...(pushToFirstStepMs === undefined ? {} : { pushToFirstStepMs }),
      ...(pushToReleasedMs === undefined ? {} : { pushToReleasedMs }),
      totalMs: local.readyMs + (now() - startedAt),
    },
  };
}
