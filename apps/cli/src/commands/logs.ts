import type { KubeApi } from '@sluice/reconcile';
import { type ClusterOptions, connect } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { isFinished, type Mask } from '@sluice/trigger';
import { maskOfRun } from '../log-mask.ts';
import { phaseOf, podsOf, type Run, type RunNode } from '../run.ts';
import { awaitRun, podOf, resolveRun, watchRun } from '../watch-run.ts';

export type LogsOptions = ClusterOptions & {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly unmasked?: boolean;
};

/** `sluice logs RUN [STEP] [-f]`: logs of the steps of a run in the order in which they started. */
export async function logsCommand(
  name: string,
  step: string | undefined,
  options: LogsOptions,
  io: Io,
): Promise<ExitCode> {
  const tailLines = options.tail === undefined ? undefined : Number(options.tail);
  if (tailLines !== undefined && !(Number.isInteger(tailLines) && tailLines >= 0)) {
    throw new CommandError(exitCodes.usage, `--tail ${options.tail}: must be a number of lines`);
  }
  const { kube, namespace } = await connect(io, options);
  const run = options.follow ? await awaitRun(kube, namespace, name, io) : await resolveRun(kube, namespace, name);
  const wanted = (node: RunNode): boolean =>
    step === undefined || node.displayName === step || node.displayName.startsWith(`${step}(`);
  if (step !== undefined && isFinished(run) && !podsOf(run).some(wanted)) {
    const names = podsOf(run).map((node) => node.displayName);
    throw new CommandError(
      exitCodes.notFound,
      `run ${run.metadata.name} has no step ${JSON.stringify(step)}; it has ${names.join(', ')}`,
    );
  }
  // Masked line by line: a secret of several lines is known by each of them.
  const mask = options.unmasked ? (line: string) => line : await maskOfRun(kube, run);
  const show = { kube, io, namespace, tailLines, mask, prefix: step === undefined };
  if (!options.follow) {
    for (const node of podsOf(run).filter(wanted)) await showLog(run, node, false, show);
    return exitCodes.ok;
  }
  return follow(run, wanted, show);
}

type Show = {
  readonly kube: KubeApi;
  readonly io: Io;
  readonly namespace: string;
  readonly tailLines: number | undefined;
  readonly mask: Mask;
  readonly prefix: boolean;
};

async function follow(run: Run, wanted: (node: RunNode) => boolean, show: Show): Promise<ExitCode> {
  const streams = new Map<string, Promise<void>>();
  let last = run;
  for await (const current of watchRun(show.kube, run, show.io.signal)) {
    last = current;
    for (const node of podsOf(current).filter(wanted)) {
      if (streams.has(node.id) || node.phase === 'Pending') continue;
      streams.set(node.id, showLog(current, node, true, show));
    }
  }
  await Promise.all(streams.values());
  return last.status?.phase === 'Succeeded' ? exitCodes.ok : exitCodes.failed;
}

async function showLog(run: Run, node: RunNode, isFollowing: boolean, show: Show): Promise<void> {
  const { kube, io, namespace, tailLines, mask, prefix } = show;
  const lead = prefix ? `[${node.displayName}] ` : '';
  try {
    const options = {
      container: 'main',
      follow: isFollowing,
      signal: io.signal,
      ...(tailLines === undefined ? {} : { tailLines }),
    };
    for await (const line of lines(kube.logs({ namespace, name: podOf(run, node) }, options)))
      io.out(`${lead}${mask(line)}`);
  } catch (error) {
    if (io.signal.aborted) return;
    io.err(
      `${lead}no log: ${error instanceof Error ? error.message : String(error)} (step is ${node.phase ?? phaseOf(run)})`,
    );
  }
}

/** Split a byte stream into lines of text. */
async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  rest += decoder.decode();
  if (rest) yield rest;
}
