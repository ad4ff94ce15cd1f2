import { classifyFailure, type ReleaseRecord } from '@sluice/helm';
import { addSnapshot, countFailure, recognizeOwnRevision, refreshHistory, takeSnapshot } from '@sluice/release';
import { describeDesired, type ReleaseContext } from './release-context.ts';
import { sha256 } from './sha256.ts';

/**
 * Make the history agree with the records before anything is decided. Snapshots follow the status of their records, and a revision of
 * ours that a killed operator had no time to note is noted now, with its outcome, so that it is not taken for somebody else's.
 */
export function takeOverRecords({ draft, desired }: ReleaseContext, records: readonly ReleaseRecord[]): void {
  const [latest] = records;
  const before = draft.current.history ?? [];
  const history = refreshHistory(before, records, sha256);
  if (history.some((snapshot, index) => snapshot !== before[index])) draft.set({ history });
  if (!latest || /^(?:pending-|uninstalling)/.test(latest.status)) return;
  const facts = recognizeOwnRevision(records, history, draft.current, sha256);
  if (!facts) return;
  draft.set({ history: addSnapshot(history, takeSnapshot(latest, facts, sha256)) });
  const type = facts.action === 'rollback' ? 'Remediated' : 'Released';
  const name = facts.action.charAt(0).toUpperCase() + facts.action.slice(1);
  const what = `Helm ${facts.action} of ${describeDesired(desired)} as revision ${latest.version}, noted after a restart`;
  if (latest.status === 'deployed') {
    draft.condition({ type, status: 'True', reason: `${name}Succeeded`, message: `${what}: succeeded` });
  } else if (latest.status === 'failed') {
    draft.condition({ type, status: 'False', reason: `${name}Failed`, message: `${what}: ${latest.description}` });
    const counts = type === 'Released' && classifyFailure(latest.description).kind !== 'Cancelled';
    if (counts)
      draft.current = countFailure(
        draft.current,
        facts.action === 'install' ? { kind: 'install' } : { kind: 'upgrade', adopt: false },
      );
  }
}
