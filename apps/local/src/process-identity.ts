import { readFileSync } from 'node:fs';

/**
 * The start time of a live process in clock ticks since boot, as text; undefined when there is no such process.
 * Together with the pid it names a process for good. Outside Linux only the pid's existence is known.
 */
export function processStartTime(pid: number): string | undefined {
  if (process.platform !== 'linux') return isAlive(pid) ? 'alive' : undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
