import { type JsonObject, resources } from '@sluice/model';
import { isKubeError, type KubeApi } from '@sluice/reconcile';
import {
  isFinished,
  type OperationResult,
  resubmitWorkflow,
  resumeWorkflow,
  retryWorkflow,
  stopWorkflow,
  supplyOutputs,
  terminateWorkflow,
  type Workflow,
} from '@sluice/workflow';
import { type ClusterOptions, connect } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import type { Run } from '../run.ts';
import { seeThrough } from '../see-through.ts';
import { givenParameters } from '../submitted.ts';
import { resolveRun } from '../watch-run.ts';

export type OperateOptions = ClusterOptions & {
  readonly nodeFieldSelector?: string;
  readonly message?: string;
  readonly parameter?: readonly string[];
  readonly restartSuccessful?: boolean;
  readonly memoized?: boolean;
  readonly outputParameter?: readonly string[];
  readonly watch?: boolean;
  readonly wait?: boolean;
};

const maxAttempts = 5;

/** Change runs one after the other; what cannot be done is told, and the rest goes on. */
async function eachRun(
  names: readonly string[],
  options: ClusterOptions,
  io: Io,
  act: (kube: KubeApi, run: Run) => Promise<string>,
): Promise<ExitCode> {
  const { kube, namespace } = await connect(io, options);
  let code: ExitCode = exitCodes.ok;
  for (const name of names) {
    try {
      io.out(await act(kube, await resolveRun(kube, namespace, name)));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      io.err(`error: ${error.message}`);
      code = error.exitCode;
    }
  }
  return code;
}

/** Patch a run with what `decide` says of its present state; decided anew when somebody else was faster. */
async function change(kube: KubeApi, run: Run, decide: (workflow: Workflow) => OperationResult): Promise<Run> {
  const { namespace = '', name } = run.metadata;
  for (let attempt = 1; ; attempt++) {
    const workflow = await kube.get<Workflow>(resources.workflows, { namespace, name });
    if (!workflow) throw new CommandError(exitCodes.notFound, `run ${name} was deleted`);
    const result = decide(workflow);
    if (!result.ok) throw new CommandError(exitCodes.failed, `${name}: ${result.message}`);
    const { resourceVersion } = workflow.metadata;
    const metadata = {
      ...(result.patch['metadata'] as JsonObject | undefined),
      resourceVersion: resourceVersion ?? '',
    };
    try {
      const body = { ...result.patch, metadata };
      return (await kube.patch(resources.workflows, { namespace, name }, { type: 'merge', body })) as unknown as Run;
    } catch (error) {
      if (!isKubeError(error, 'Conflict') || attempt === maxAttempts) throw error;
    }
  }
}

function unlessFinished(workflow: Workflow, act: () => OperationResult): OperationResult {
  const { phase } = workflow.status ?? {};
  return isFinished(phase) ? { ok: false, message: `it has ended already (${phase})` } : act();
}

/** `sluice stop RUN…`: end a run; its exit handlers still run. With a node field selector: fail suspended steps. */
export function stopCommand(names: readonly string[], options: OperateOptions, io: Io): Promise<ExitCode> {
  const { nodeFieldSelector, message } = options;
  return eachRun(names, options, io, async (kube, run) => {
    await change(kube, run, (workflow) =>
      unlessFinished(workflow, () => stopWorkflow(workflow, nodeFieldSelector, io.now(), message)),
    );
    return `workflow ${run.metadata.name} stopped`;
  });
}

/** `sluice terminate RUN…`: end a run now, without exit handlers. */
export function terminateCommand(names: readonly string[], options: OperateOptions, io: Io): Promise<ExitCode> {
  return eachRun(names, options, io, async (kube, run) => {
    await change(kube, run, (workflow) => unlessFinished(workflow, terminateWorkflow));
    return `workflow ${run.metadata.name} terminated`;
  });
}

/** `sluice suspend RUN…`: start nothing more until it is resumed. */
export function suspendCommand(names: readonly string[], options: OperateOptions, io: Io): Promise<ExitCode> {
  return eachRun(names, options, io, async (kube, run) => {
    await change(kube, run, (workflow) =>
      unlessFinished(workflow, () => ({ ok: true, patch: { spec: { suspend: true } } })),
    );
    return `workflow ${run.metadata.name} suspended`;
  });
}

/** `sluice resume RUN…`: go on after a suspension; with a node field selector only those suspended steps. */
export function resumeCommand(names: readonly string[], options: OperateOptions, io: Io): Promise<ExitCode> {
  const { nodeFieldSelector, message } = options;
  return eachRun(names, options, io, async (kube, run) => {
    await change(kube, run, (workflow) =>
      unlessFinished(workflow, () => resumeWorkflow(workflow, nodeFieldSelector, io.now(), message)),
    );
    return `workflow ${run.metadata.name} resumed`;
  });
}

/** `sluice retry RUN…`: let a failed run go on from where it failed. */
export async function retryCommand(names: readonly string[], options: OperateOptions, io: Io): Promise<ExitCode> {
  const parameters = await givenParameters(options, io);
  const { nodeFieldSelector, restartSuccessful } = options;
  const rerun = {
    parameters,
    ...(restartSuccessful ? { restartSuccessful } : {}),
    ...(nodeFieldSelector ? { nodeFieldSelector } : {}),
  };
  const begun: Run[] = [];
  const code = await eachRun(names, options, io, async (kube, run) => {
    begun.push(await change(kube, run, (workflow) => retryWorkflow(workflow, rerun, io.now())));
    return `workflow ${run.metadata.name} retried`;
  });
  return code === exitCodes.ok ? follow(begun, options, io) : code;
}

/** `sluice resubmit RUN…`: run it again under a new name; memoized: with what had succeeded. */
export async function resubmitCommand(names: readonly string[], options: OperateOptions, io: Io): Promise<ExitCode> {
  const parameters = await givenParameters(options, io);
  const begun: Run[] = [];
  const code = await eachRun(names, options, io, async (kube, run) => {
    const old = run as unknown as Workflow;
    const name = newNameOf(old, io.now());
    const made = resubmitWorkflow(old, name, { parameters, memoized: options.memoized === true }, io.now());
    if (!made.ok) throw new CommandError(exitCodes.failed, `${run.metadata.name}: ${made.message}`);
    begun.push((await kube.create(resources.workflows, made.workflow)) as unknown as Run);
    return `workflow ${name} submitted`;
  });
  return code === exitCodes.ok ? follow(begun, options, io) : code;
}

/** A name for another run of the same: its prefix and the time. */
function newNameOf({ metadata }: Workflow, now: number): string {
  const { generateName } = metadata as { readonly generateName?: string };
  const prefix = generateName ?? `${metadata.name.replace(/-[a-z0-9]{5,9}$/, '')}-`;
  return `${prefix.slice(0, 50)}${now.toString(36).slice(-8)}`;
}

async function follow(begun: readonly Run[], options: OperateOptions, io: Io): Promise<ExitCode> {
  if (!options.watch && !options.wait) return exitCodes.ok;
  const { kube } = await connect(io, options);
  const results = await Promise.all(begun.map((run) => seeThrough(run, kube, options.watch === true, io)));
  return results.every(Boolean) ? exitCodes.ok : exitCodes.failed;
}

/** `sluice watch RUN` and `sluice wait RUN…`: see runs to their end. */
export async function watchCommand(
  names: readonly string[],
  options: ClusterOptions,
  isShown: boolean,
  io: Io,
): Promise<ExitCode> {
  const { kube, namespace } = await connect(io, options);
  const runs = await Promise.all(names.map((name) => resolveRun(kube, namespace, name)));
  const results = await Promise.all(runs.map((run) => seeThrough(run, kube, isShown, io)));
  return results.every(Boolean) ? exitCodes.ok : exitCodes.failed;
}

/** `sluice node set RUN`: outputs or a message for suspended steps. */
export function nodeSetCommand(name: string, options: OperateOptions, io: Io): Promise<ExitCode> {
  const { nodeFieldSelector, outputParameter = [] } = options;
  if (!nodeFieldSelector)
    throw new CommandError(
      exitCodes.usage,
      '--node-field-selector is needed: which suspended steps, e.g. displayName=approve',
    );
  if (outputParameter.length === 0) throw new CommandError(exitCodes.usage, '--output-parameter name=value is needed');
  return eachRun([name], options, io, async (kube, run) => {
    const values = await givenParameters({ parameter: outputParameter }, io);
    await change(kube, run, (workflow) => supplyOutputs(workflow, nodeFieldSelector, values));
    return `workflow ${run.metadata.name}: outputs set`;
  });
}
