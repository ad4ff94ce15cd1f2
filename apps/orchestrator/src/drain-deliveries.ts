import { createHash } from 'node:crypto';
import type { DeliveryJob } from '@sluice/events';
import { TerminalError } from '@sluice/model';
import type { Log } from '@sluice/runtime';
import type { OrchestratorPorts } from './ports.ts';
import type { OpenRepository } from './repository-access.ts';

/**
 * Take webhooks that never arrived out of the forge's own log: comments, buttons and merge groups leave no trace in the
 * heads. The ids are those that the receiver gives, so one that came after all is one job. Gives how many were new.
 */
export async function drainDeliveries(
  { deliveries, now }: Pick<OrchestratorPorts, 'deliveries'> & { readonly now: () => number },
  { forge, key, repository }: OpenRepository,
  log: Log,
  signal: AbortSignal,
): Promise<number> {
  let added = 0;
  for (const { event, delivery, body } of await missed(forge, log, signal)) {
    const route = repository.spec?.webhook.route ?? '';
    const bytes = Buffer.from(body);
    const job: DeliveryJob = {
      route,
      repository: key,
      event,
      delivery,
      body: bytes.toString('base64'),
      receivedAt: new Date(now()).toISOString(),
    };
    const id = createHash('sha256').update(`${route}\n`).update(bytes).digest('hex');
    const alias = createHash('sha256').update(`${route}\n${delivery}`).digest('hex');
    // A conflict means that it was accepted in the bytes in which it was first sent.
    const outcome = await deliveries.add(job, { id, alias, key: `${key.namespace}/${key.name}` });
    if (outcome !== 'added') continue;
    added++;
    log.info('delivery was missed', { event, delivery });
  }
  return added;
}

/** An App whose webhook is elsewhere, or that may not read the log, loses only this. */
async function missed(forge: OpenRepository['forge'], log: Log, signal: AbortSignal) {
  try {
    return (await forge.missedDeliveries?.(signal)) ?? [];
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    log.debug('the forge shows no deliveries', { error });
    return [];
  }
}
