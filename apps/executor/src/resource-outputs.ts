import { Worker } from 'node:worker_threads';
import { formatValue, fromJson, isList, queryJsonPath } from '@sluice/expr';
import type { Json, TaskParameter } from '@sluice/model';
import { TaskError, textOf } from './task-error.ts';

const jqTimeoutMs = 5_000;
const jqMemoryMiB = 128;
const maxOutputBytes = 256 * 1_024;

/** The output parameters of a resource, taken from what became of it. */
export async function resourceOutputs(
  object: Json,
  parameters: readonly TaskParameter[],
): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const parameter of parameters) {
    const { name, jsonPath, jqFilter, default: fallback } = parameter;
    if (jsonPath === undefined && jqFilter === undefined) continue;
    try {
      const value = jqFilter === undefined ? byJsonPath(object, jsonPath ?? '') : await byJq(object, jqFilter);
      if (value.length > maxOutputBytes) throw new TaskError(`it has more than ${maxOutputBytes} bytes`);
      values[name] = value;
    } catch (error) {
      if (fallback === undefined)
        throw new TaskError(`output parameter ${JSON.stringify(name)}: ${textOf(error)}`, { cause: error });
      values[name] = fallback;
    }
  }
  return values;
}

/** A template of kubectl: text with paths in braces. */
function byJsonPath(object: Json, template: string): string {
  const root = fromJson(object);
  const evaluate = (inner: string): string => {
    const path = inner.trim();
    const found = queryJsonPath(
      root,
      path.startsWith('$') || path.startsWith('@')
        ? path
        : `$${path.startsWith('.') || path.startsWith('[') ? '' : '.'}${path}`,
    );
    return isList(found) && /\*|\.\.|:|\?/.test(path)
      ? [...found].map((value) => formatValue(value)).join(' ')
      : formatValue(found);
  };
  return template.includes('{')
    ? template.replace(/\{([^{}]*)\}/g, (_all, inner: string) => evaluate(inner))
    : evaluate(template);
}

/** A filter may run for ever: it has a thread of its own that is ended after a time. */
async function byJq(input: Json, filter: string): Promise<string> {
  const file = import.meta.url.endsWith('.ts') ? './jq-worker.ts' : './jq-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: { filter, input },
    resourceLimits: { maxOldGenerationSizeMb: jqMemoryMiB },
    stdout: true,
    stderr: true,
  });
  const timer = setTimeout(() => void worker.terminate(), jqTimeoutMs);
  try {
    const results = await new Promise<readonly unknown[]>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', (error) => reject(new TaskError(`jqFilter: ${textOf(error)}`)));
      worker.once('exit', () => reject(new TaskError(`jqFilter ran longer than ${jqTimeoutMs / 1_000} s`)));
    });
    // Texts as they are; everything else as a line of JSON, as upstream prints it.
    return results.map((result) => (typeof result === 'string' ? result : `${JSON.stringify(result)}\n`)).join('');
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
