import { readdirSync, readFileSync } from 'node:fs';

/** Variable that marks every process of a pod, so that all of them are found again, whatever group they are in. */
export const podMark = 'SLUICE_POD_UID';

/** Field 22 of /proc/<pid>/stat, the start time in ticks since boot. undefined when there is no such process, or no /proc. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in brackets may hold spaces and brackets: count fields from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** True while the process that had this pid at that start time still runs. */
export function isSameProcess(pid: number, start: string | undefined): boolean {
  return start !== undefined && processStart(pid) === start;
}

/** A process as it is told apart from a later one with the same pid; empty where there is none. */
export function identityOf(pid: number | undefined): { readonly pid?: number; readonly pidStart?: string } {
  if (pid === undefined) return {};
  const pidStart = processStart(pid);
  return { pid, ...(pidStart ? { pidStart } : {}) };
}

/** False only when the process is known to have started no other yet. */
export function hasChildren(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim() !== '';
  } catch {
    return true;
  }
}

/** Pids of all processes whose environment holds `name=value` for one of the values. Empty where there is no /proc. */
export function processesWithVariable(name: string, values: ReadonlySet<string>): readonly number[] {
  const found: number[] = [];
  for (const entry of listProc()) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const value = variableOf(pid, name);
    if (value !== undefined && values.has(value)) found.push(pid);
  }
  return found;
}

/** Send a signal to a process or, negative, to a process group. False when there is none. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

function listProc(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function variableOf(pid: number, name: string): string | undefined {
  try {
    const entry = readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .find((pair) => pair.startsWith(`${name}=`));
    return entry?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}
