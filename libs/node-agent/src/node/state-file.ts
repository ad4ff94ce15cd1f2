import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newPodState, type PodState } from '../pod/pod-state.ts';

const version = 1;

/**
 * `pods/<uid>/state.json`: what must be known of a pod after this program was killed. Written before a process is started
 * and before an end is reported, so that nothing runs twice unnoticed. Not synced to disk: it outlives the program, and
 * the machine's processes do not outlive the machine.
 */
export function writeState(directory: string, state: PodState): void {
  const path = join(directory, 'state.json');
  const text = JSON.stringify({ version, state });
  try {
    // The first one comes before any process: torn, it says what is true, that nothing has begun.
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
  } catch {
    writeFileSync(`${path}.tmp`, text, { mode: 0o600 });
    renameSync(`${path}.tmp`, path);
  }
}

/** The state that was kept; undefined when there is none or it cannot be read. */
export function readState(directory: string): PodState | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(directory, 'state.json'), 'utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('version' in parsed) || !('state' in parsed))
      return undefined;
    if (parsed.version !== version || typeof parsed.state !== 'object' || parsed.state === null) return undefined;
    return { ...newPodState, ...parsed.state };
  } catch {
    return undefined;
  }
}
