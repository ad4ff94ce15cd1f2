import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isSameProcess, podMark, processesWithVariable, sendSignal } from '../container/process-table.ts';
import { isLive, type PodState } from '../pod/pod-state.ts';
import { readState } from './state-file.ts';

/** The states of the pods of an earlier life, by uid; their processes are killed before this returns. */
export function endEarlierLife(podsDirectory: string): ReadonlyMap<string, PodState | undefined> {
  const found = new Map<string, PodState | undefined>();
  for (const uid of readdirSync(podsDirectory)) {
    const state = readState(join(podsDirectory, uid));
    found.set(uid, state);
    for (const container of Object.values(state?.containers ?? {})) {
      const { pid, pidStart } = container;
      if (!isLive(container) || pid === undefined || !isSameProcess(pid, pidStart)) continue;
      sendSignal(-pid, 'SIGKILL');
      sendSignal(pid, 'SIGKILL');
    }
  }
  killMarked(new Set(found.keys()));
  return found;
}

/** Kill all processes that carry the mark of one of these pods. */
export function killMarked(uids: ReadonlySet<string>): void {
  if (uids.size === 0) return;
  for (const pid of processesWithVariable(podMark, uids)) sendSignal(pid, 'SIGKILL');
}
