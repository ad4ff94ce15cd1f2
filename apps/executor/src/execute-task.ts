import type { PodTask } from '@sluice/model';
import type { TaskContext, TaskEnd, TaskPort } from '@sluice/node-agent';
import { collectArtifacts } from './artifact-gc-task.ts';
import { runData } from './data-task.ts';
import { runHttp } from './http-task.ts';
import type { ExecutorPorts } from './ports.ts';
import { runResource } from './resource-task.ts';
import { TaskError, textOf } from './task-error.ts';

/** The exit code of a task that fails, as upstream's executor has it. */
const failedCode = 64;

/** Does the tasks of pods: what upstream's executor image does in a container of its own. */
export function taskPort(ports: ExecutorPorts): TaskPort {
  return async (task, context) => {
    try {
      return await executeTask(task, context, ports);
    } catch (error) {
      const known = error instanceof TaskError || context.signal.aborted;
      return { code: failedCode, message: known ? textOf(error) : `${task.kind}: ${textOf(error)}` };
    }
  };
}

function executeTask(task: PodTask, context: TaskContext, ports: ExecutorPorts): Promise<TaskEnd> {
  switch (task.kind) {
    case 'resource':
      return runResource(task, context, ports);
    case 'data':
      return runData(task, context, ports);
    case 'http':
      return runHttp(task, context, ports);
    case 'artifact-gc':
      return collectArtifacts(task, context, ports);
    default:
      return Promise.reject(
        new TaskError(`there is no task of kind ${String((task satisfies never as PodTask).kind)}`),
      );
  }
}
