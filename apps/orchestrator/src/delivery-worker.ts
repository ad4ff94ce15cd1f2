import type { DeliveryJob } from '@sluice/events';
import { keyText, TerminalError } from '@sluice/model';
import type { Log } from '@sluice/runtime';
import type { EnsureRuns } from './ensure-runs.ts';
import type { ObeyCommand } from './obey-command.ts';
import type { OrchestratorPorts } from './ports.ts';
import type { OpenRepository, RepositoryAccess } from './repository-access.ts';
import { readEvent } from './read-event.ts';
import type { KeyedLock } from './keyed-lock.ts';

type Parts = {
  readonly ports: OrchestratorPorts;
  readonly access: RepositoryAccess;
  readonly ensureRuns: EnsureRuns;
  readonly obeyCommand: ObeyCommand;
  /** Compare the heads now. */
  readonly look: (open: OpenRepository, log: Log, signal: AbortSignal) => Promise<void>;
  readonly lock: KeyedLock;
};

/**
 * The handler of the queue `deliveries`. Resolves when the delivery has been handled or can never be; throws
 * TerminalError for one that no retry will mend and everything else to be tried again.
 */
export function createDeliveryHandler({
  ports,
  access,
  ensureRuns,
  obeyCommand,
  look,
  lock,
}: Parts): (job: DeliveryJob, signal: AbortSignal) => Promise<void> {
  return async (job, signal) => {
    const log = ports.log.with({ delivery: job.delivery, repository: keyText(job.repository), event: job.event });
    await lock.run(keyText(job.repository), async () => {
      const open = await access.open(job.repository, signal);
      if (!open) return log.info('delivery ignored', { reason: 'the Repository is gone' });
      if (open.repository.spec?.suspend) return log.info('delivery ignored', { reason: 'the Repository is suspended' });
      const reading = readEvent(job, open.repository);
      if ('ignored' in reading) return log.info('delivery ignored', { reason: reading.ignored });
      if ('asked' in reading) return await obeyCommand(open, reading.asked, log, signal);
      if ('look' in reading) return await look(open, log, signal);
      const { event } = reading;
      await settleMissing(() => ensureRuns({ open, event, delivery: job.delivery, log }, signal), log);
      log.info('delivery handled', { sha: event.sha });
    });
  };
}

/** A commit that the remote has no more was replaced by a later push, which is handled on its own. */
export async function settleMissing(task: () => Promise<unknown>, log: Log): Promise<void> {
  try {
    await task();
  } catch (error) {
    if (!(error instanceof TerminalError) || error.reason !== 'CommitNotFound') throw error;
    log.warn('commit is gone', { error });
  }
}
