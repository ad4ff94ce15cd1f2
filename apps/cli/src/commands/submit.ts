import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatProblem, type KubeObject, resources } from '@sluice/model';
import { stepsOf } from '@sluice/trigger';
import { parseAllDocuments } from 'yaml';
import { type ClusterOptions, connect } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatDuration, formatObject, parseFormat } from '../output.ts';
import { elapsed, mark, phaseOf, type Run } from '../run.ts';
import { watchRun } from '../watch-run.ts';
import { lintText } from './lint.ts';

export type SubmitOptions = ClusterOptions & {
  readonly watch?: boolean;
  readonly wait?: boolean;
  readonly output?: string;
  readonly parameter?: readonly string[];
};

/** `sluice submit FILE`: create the Workflows of a file, and with `--watch` or `--wait` see them to their end. */
export async function submitCommand(file: string, options: SubmitOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const text = await readFile(resolve(io.cwd, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(
      exitCodes.notFound,
      `${file}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`,
    );
  });
  const errors = lintText(file, text).filter((problem) => problem.severity === 'error');
  if (errors.length > 0) {
    for (const problem of errors) io.err(formatProblem(problem));
    return exitCodes.lint;
  }
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubeObject | null);
  const workflows = objects.filter((object) => object?.kind === 'Workflow') as Run[];
  if (workflows.length === 0) throw new CommandError(exitCodes.usage, `${file}: holds no Workflow`);
  const { kube, namespace } = await connect(io, options);
  const created: Run[] = [];
  for (const workflow of workflows) {
    const metadata = { ...workflow.metadata, namespace: workflow.metadata.namespace ?? namespace };
    created.push(
      await kube.create<Run>(resources.workflows, { ...withParameters(workflow, options.parameter ?? []), metadata }),
    );
  }
  if (format === 'json' || format === 'yaml') io.out(formatObject(format, created));
  else
    for (const run of created)
      io.out(format === 'name' ? run.metadata.name : `workflow ${run.metadata.name} submitted`);
  if (!options.watch && !options.wait) return exitCodes.ok;
  const results = await Promise.all(created.map((run) => seeThrough(run, kube, options.watch === true, io)));
  return results.every(Boolean) ? exitCodes.ok : exitCodes.failed;
}

type ArgumentsSpec = NonNullable<Run['spec']> & {
  readonly arguments?: { readonly parameters?: readonly { readonly name: string; readonly value?: unknown }[] };
};

function withParameters(workflow: Run, parameters: readonly string[]): Run {
  if (parameters.length === 0) return workflow;
  const spec: ArgumentsSpec = workflow.spec ?? {};
  const given = parameters.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new CommandError(exitCodes.usage, `-p ${text}: must read name=value`);
    return { name: text.slice(0, at), value: text.slice(at + 1) };
  });
  const names = new Set(given.map((parameter) => parameter.name));
  const kept = (spec.arguments?.parameters ?? []).filter((parameter) => !names.has(parameter.name));
  const merged: ArgumentsSpec = { ...spec, arguments: { ...spec.arguments, parameters: [...kept, ...given] } };
  return { ...workflow, spec: merged };
}

/** Follow a run to its end; true when it succeeded. */
async function seeThrough(run: Run, kube: Parameters<typeof watchRun>[0], isShown: boolean, io: Io): Promise<boolean> {
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
