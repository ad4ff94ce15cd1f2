import type { PodTask } from '@sluice/model';
import type { TaskContext, TaskEnd } from '@sluice/node-agent';
import type { ExecutorPorts } from './ports.ts';
import { textOf } from './task-error.ts';

/** Delete artifacts. Each that is gone is named in the outputs as `node/artifact`; what cannot be deleted is told. */
export async function collectArtifacts(
  { artifacts: doomed }: Extract<PodTask, { kind: 'artifact-gc' }>,
  { namespace, secret, signal, print }: TaskContext,
  { artifacts }: ExecutorPorts,
): Promise<TaskEnd> {
  const gone: string[] = [];
  const errors: string[] = [];
  for (const { node, name, location } of doomed) {
    try {
      await artifacts.remove(location, { namespace, secret, signal });
      gone.push(`${node}/${name}`);
      print(`deleted ${node}/${name}`);
    } catch (error) {
      signal.throwIfAborted();
      errors.push(`${node}/${name}: ${textOf(error)}`);
      print(`not deleted: ${errors.at(-1)}`);
    }
  }
  const error = errors.length > 0 ? { error: errors.slice(0, 20).join('; ') } : {};
  return { code: 0, outputs: { artifacts: gone, ...error } };
}
