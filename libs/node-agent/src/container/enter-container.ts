import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerView } from './container-view.ts';
import { launch, type Launched, type LaunchOutput } from './launch.ts';
import { hasChildren } from './process-table.ts';
import type { ContainerInput, ContainerRuntime, EntryOptions } from './runtime.ts';
import { inTerminal, terminalProgram } from './terminal.ts';

/** A container that runs. */
export type RunningContainer = {
  readonly input: ContainerInput;
  readonly runtime: ContainerRuntime;
  readonly process: Launched;
  readonly view?: ContainerView;
};

export type EnterOptions = Omit<LaunchOutput, 'pipes'> & { readonly terminal?: boolean };

const tries = 100;
const pauseMs = 5;

/**
 * Start another process in a container: with its files, variables and user and, where the runtime can, among its
 * processes. With `terminal` it gets one if this machine has the program for it.
 */
export async function enterContainer(
  container: RunningContainer,
  command: readonly string[],
  { terminal = false, ...output }: EnterOptions,
): Promise<Launched> {
  const { input, runtime } = container;
  const opened = await openNamespaces(container);
  const script = terminal ? terminalProgram() : undefined;
  try {
    const env = terminal ? { TERM: 'xterm', ...input.env } : input.env;
    const entry = entryOf(opened.names, script !== undefined);
    const plan = { ...runtime.plan({ ...input, command, env }, entry), inherit: opened.descriptors };
    return launch(script === undefined ? plan : inTerminal(plan, script), { ...output, pipes: undefined });
  } finally {
    for (const descriptor of opened.descriptors) closeSync(descriptor);
  }
}

const firstInherited = 4;

function entryOf(names: readonly string[], terminal: boolean): EntryOptions {
  const numberOf = (name: string) => firstInherited + names.indexOf(name);
  if (!names.includes('pid')) return { terminal };
  const user = names.includes('user') ? { user: numberOf('user') } : {};
  return { terminal, namespaces: { ...user, process: numberOf('pid') } };
}

type Opened = { readonly names: readonly string[]; readonly descriptors: readonly number[] };

async function openNamespaces({ input, runtime, process }: RunningContainer): Promise<Opened> {
  const names = runtime.namespacesOf(input);
  const none: Opened = { names: [], descriptors: [] };
  if (names.length === 0) return none;
  const pid = await process.childPid;
  if (pid === undefined) return none;
  // Until the sandbox has started its command it is still being made.
  for (let attempt = 0; attempt < tries && !hasChildren(pid); attempt++) await delay(pauseMs);
  const descriptors: number[] = [];
  try {
    for (const name of names) descriptors.push(openSync(`/proc/${pid}/ns/${name}`, 'r'));
    return { names, descriptors };
  } catch {
    // It has just ended, or there is no /proc: the process gets namespaces of its own.
    for (const descriptor of descriptors) closeSync(descriptor);
    return none;
  }
}
