import { setTimeout as delay } from 'node:timers/promises';
import { keys, resources } from '@sluice/model';
import { isKubeError, type KubeApi } from '@sluice/reconcile';
import { podNameOf } from '@sluice/workflow';
import { CommandError, exitCodes } from './exit-code.ts';
import { isFinished } from '@sluice/trigger';
import type { Io } from './io.ts';
import type { Run, RunNode } from './run.ts';

/** Name of the pod of a node. */
export function podOf(run: Run, node: RunNode): string {
  return podNameOf(run.metadata.name, node.name, node.templateName ?? '');
}

/** Like {@link resolveRun}, but waits a while for a run that a push is about to start. */
export async function awaitRun(kube: KubeApi, namespace: string, name: string, io: Io): Promise<Run> {
  const deadline = io.now() + (name === '@latest' || commitId.test(name) ? appearsWithinMs : 0);
  let isTold = false;
  for (;;) {
    try {
      return await resolveRun(kube, namespace, name);
    } catch (error) {
      const missing = error instanceof CommandError && error.exitCode === exitCodes.notFound;
      if (!missing || io.now() >= deadline) throw error;
      if (!isTold && io.now() >= deadline - appearsWithinMs + tellAfterMs) {
        io.err(`waiting for the run ${name} to begin`);
        isTold = true;
      }
    }
    await delay(200, undefined, { signal: io.signal });
  }
}

const appearsWithinMs = 10_000;
const tellAfterMs = 1_000;
const commitId = /^[0-9a-f]{7,64}$/;

/** The runs that a word fits: `@latest`, a commit id of at least 7 digits, or the beginning of a name. Newest first. */
function fittingRuns(newest: readonly Run[], word: string): readonly Run[] {
  if (word === '@latest') return newest.slice(0, 1);
  const ofCommit = commitId.test(word)
    ? newest.filter(({ metadata }) => metadata.labels?.[keys.sha]?.startsWith(word))
    : [];
  return ofCommit.length > 0 ? ofCommit : newest.filter(({ metadata }) => metadata.name.startsWith(word));
}

/** Find a run by name, by a prefix or commit that fits one run only, or `@latest`. Throws a CommandError with what there is. */
export async function resolveRun(kube: KubeApi, namespace: string, name: string): Promise<Run> {
  if (name !== '@latest') {
    const exact = await kube.get<Run>(resources.workflows, { namespace, name });
    if (exact) return exact;
  }
  const { items } = await kube.list<Run>(resources.workflows, { namespace });
  const newest = items.toSorted((a, b) =>
    (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? 1 : -1,
  );
  const fitting = fittingRuns(newest, name);
  const [first, second] = fitting;
  if (first && !second) return first;
  if (first) {
    const names = fitting.slice(0, 5).map((run) => run.metadata.name);
    throw new CommandError(exitCodes.usage, `${JSON.stringify(name)} fits several runs: ${names.join(', ')}`);
  }
  if (name === '@latest') throw new CommandError(exitCodes.notFound, `there are no runs yet in namespace ${namespace}`);
  const hint = newest.length > 0 ? `the newest is ${newest[0]?.metadata.name}` : 'there are none yet';
  throw new CommandError(
    exitCodes.notFound,
    `there is no run ${JSON.stringify(name)} in namespace ${namespace}; ${hint}`,
  );
}

/** A run and each later state of it until it is finished; lost connections are made again. */
export async function* watchRun(kube: KubeApi, run: Run, signal: AbortSignal): AsyncGenerator<Run> {
  const { namespace, name, uid } = run.metadata;
  for (let attempt = 0; attempt < 100 && !signal.aborted; attempt++) {
    const current = await kube.get<Run>(resources.workflows, { ...(namespace ? { namespace } : {}), name }, signal);
    if (!current || current.metadata.uid !== uid) throw new CommandError(exitCodes.notFound, `run ${name} was deleted`);
    yield current;
    if (isFinished(current)) return;
    const options = { fieldSelector: `metadata.name=${name}`, signal, ...(namespace ? { namespace } : {}) };
    const version = current.metadata.resourceVersion;
    try {
      for await (const event of kube.watch<Run>(resources.workflows, {
        ...options,
        ...(version ? { resourceVersion: version } : {}),
      })) {
        if (event.type === 'BOOKMARK' || event.object.metadata.uid !== uid) continue;
        if (event.type === 'DELETED') throw new CommandError(exitCodes.notFound, `run ${name} was deleted`);
        yield event.object;
        if (isFinished(event.object)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isKubeError(error, 'Expired', 'Gone')) throw error;
    }
  }
}
