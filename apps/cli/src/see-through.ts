import type { KubeApi } from '@sluice/reconcile';
import { stepsOf } from '@sluice/trigger';
import type { Io } from './io.ts';
import { formatDuration } from './output.ts';
import { elapsed, mark, phaseOf, type Run } from './run.ts';
import { watchRun } from './watch-run.ts';

/** Follow a run to its end, telling of its steps when `isShown`; true when it succeeded. */
export async function seeThrough(run: Run, kube: KubeApi, isShown: boolean, io: Io): Promise<boolean> {
  const shown = new Map<string, string>();
  let last = run;
  for await (const current of watchRun(kube, run, io.signal)) {
    last = current;
    if (!isShown) continue;
    for (const step of stepsOf(current)) {
      if (shown.get(step.name) === step.phase || step.phase === 'Pending' || step.phase === 'Waiting') continue;
      shown.set(step.name, step.phase);
      const ran = step.finishedAt && step.phase !== 'Omitted' && step.phase !== 'Skipped';
      const duration = ran ? ` ${formatDuration(elapsed(step, io.now()) ?? 0)}` : '';
      const message = step.message ? `: ${step.message}` : '';
      io.err(`${mark(step.phase, !io.colour && !io.terminal)} ${step.name} ${step.phase}${duration}${message}`);
    }
  }
  const took = elapsed(last.status ?? {}, io.now());
  io.err(
    `${last.metadata.name} ${phaseOf(last)}${took === undefined ? '' : ` in ${formatDuration(took)}`}${last.status?.message ? `: ${last.status.message}` : ''}`,
  );
  return last.status?.phase === 'Succeeded';
}
