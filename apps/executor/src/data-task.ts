import { argoEnvironment, declareStrings, evaluateExpression, toJsonText, type Value } from '@sluice/expr';
import type { PodTask } from '@sluice/model';
import type { TaskContext, TaskEnd } from '@sluice/node-agent';
import type { ExecutorPorts } from './ports.ts';
import { TaskError } from './task-error.ts';

/** List the keys of a location and transform the list; the result is its JSON. */
export async function runData(
  { source, transformation }: Extract<PodTask, { kind: 'data' }>,
  context: TaskContext,
  { artifacts }: ExecutorPorts,
): Promise<TaskEnd> {
  const { namespace, secret, signal, print } = context;
  const keys = await artifacts.list(source, { namespace, secret, signal });
  let data: Value = declareStrings([...keys]);
  for (const expression of transformation) {
    const environment = new Map(argoEnvironment([]));
    environment.set('data', data);
    const result = evaluateExpression(expression, environment);
    if (!result.ok) throw new TaskError(`data.transformation: ${expression}: ${result.message}`);
    data = result.value;
  }
  const text = toJsonText(data);
  print(text);
  return { code: 0, outputs: { result: text } };
}
