import { keyText, resources, TerminalError, type Repository } from '@sluice/model';
import type { Reconcile } from '@sluice/reconcile';
import type { Log } from '@sluice/runtime';
import { settleMissing } from './delivery-worker.ts';
import { cancelPull } from './cancel-runs.ts';
import { drainDeliveries } from './drain-deliveries.ts';
import type { EnsureRuns } from './ensure-runs.ts';
import { followHeads } from './followed-heads.ts';
import { toTriggerEvent } from './head-event.ts';
import type { Head, OrchestratorPorts } from './ports.ts';
import type { OpenRepository, RepositoryAccess } from './repository-access.ts';
import type { KeyedLock } from './keyed-lock.ts';
import { headsPatch, patchHeads, writeReady } from './repository-status.ts';

type Parts = {
  readonly ports: OrchestratorPorts;
  readonly access: RepositoryAccess;
  readonly ensureRuns: EnsureRuns;
  readonly lock: KeyedLock;
  readonly repairIntervalMs: number;
};

export type Repair = {
  readonly reconcile: Reconcile;
  /** The same at once, for a repository whose lock is held. */
  readonly look: (open: OpenRepository, log: Log, signal: AbortSignal) => Promise<void>;
};

/** Missed heads handled in one pass; the rest follow in the next. */
const headsPerPass = 20;

/**
 * Reconciles a Repository: compares the forge's heads with those handled, handles what no delivery announced, and says in
 * Ready whether forge and secret can be used. Comes again every interval.
 */
export function createRepair({ ports, access, ensureRuns, lock, repairIntervalMs }: Parts): Repair {
  /** When the heads of a repository, as it was specified then, were last compared. */
  const compared = new Map<string, { readonly id: string; readonly atMs: number }>();

  function waitOf(open: OpenRepository): number {
    const last = compared.get(keyText(open.key));
    if (!open.repository.status?.heads || last?.id !== idOf(open)) return 0;
    return last.atMs + repairIntervalMs - ports.now();
  }

  const reconcile: Reconcile = async (key, signal) => {
    return await lock.run(keyText(key), async () => {
      const open = await openOrRefuse(key, signal);
      if (!open) {
        compared.delete(keyText(key));
        return {};
      }
      const log = ports.log.with({ repository: keyText(key) });
      if (open.repository.spec?.suspend) {
        await writeReady(
          ports,
          open.repository,
          { status: 'False', reason: 'Suspended', message: 'spec.suspend is set' },
          signal,
        );
        return {};
      }
      const waitMs = waitOf(open);
      if (waitMs > 0) return { requeueAfterMs: waitMs };
      const { left, message } = await lookAt(open, log, signal);
      compared.set(keyText(key), { id: idOf(open), atMs: ports.now() });
      await writeReady(ports, open.repository, { status: 'True', reason: 'Connected', message }, signal);
      return { requeueAfterMs: left > 0 ? 0 : repairIntervalMs };
    });
  };
  return { reconcile, look: async (open, log, signal) => void (await lookAt(open, log, signal)) };

  /** Handle what the heads and the forge's log of webhooks show to be missing. */
  async function lookAt(
    open: OpenRepository,
    log: Log,
    signal: AbortSignal,
  ): Promise<{ readonly left: number; readonly message: string }> {
    const { repository } = open;
    const listed = await listHeads(open, signal);
    const { followed: heads, left: unfollowed } = followHeads(
      listed,
      repository.status?.heads ?? {},
      repository.spec?.defaultBranch ?? '',
    );
    const known = listed.length === heads.length ? 'all' : 'recorded';
    const left = await compareHeads(open, { heads, known }, log, signal);
    await drainDeliveries({ deliveries: ports.deliveries, now: () => ports.now() }, open, log, signal);
    const message =
      unfollowed > 0
        ? `the forge answers; lost deliveries are made good for ${heads.length} refs, not for ${unfollowed} more`
        : 'the forge answers';
    return { left, message };
  }

  async function openOrRefuse(key: Parameters<Reconcile>[0], signal: AbortSignal): Promise<OpenRepository | undefined> {
    try {
      return await access.open(key, signal);
    } catch (error) {
      if (error instanceof TerminalError) await refuse(key, error, signal);
      throw error;
    }
  }

  async function refuse(key: Parameters<Reconcile>[0], error: TerminalError, signal: AbortSignal): Promise<void> {
    const repository = await ports.kube.get<Repository>(resources.repositories, key, signal);
    if (repository)
      await writeReady(ports, repository, { status: 'False', reason: error.reason, message: error.message }, signal);
  }

  async function listHeads(open: OpenRepository, signal: AbortSignal): Promise<readonly Head[]> {
    try {
      return await open.forge.listHeads(signal);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await writeReady(ports, open.repository, { status: 'False', reason: 'ForgeUnavailable', message }, signal);
      throw error;
    }
  }

  /** Returns how many missed heads were left for the next pass. */
  async function compareHeads(
    open: OpenRepository,
    { heads, known }: { readonly heads: readonly Head[]; readonly known: 'all' | 'recorded' },
    log: Log,
    signal: AbortSignal,
  ): Promise<number> {
    const recorded = open.repository.status?.heads;
    if (!recorded) {
      await patchHeads(ports, open, headsPatch(Object.fromEntries(heads.map(({ ref, sha }) => [ref, sha]))), signal);
      return 0;
    }
    // Beyond the bound a ref that was never recorded may be old and only now have found room: it counts as handled.
    const found = known === 'recorded' ? heads.filter(({ ref }) => recorded[ref] === undefined) : [];
    if (found.length > 0)
      await patchHeads(ports, open, headsPatch(Object.fromEntries(found.map(({ ref, sha }) => [ref, sha]))), signal);
    const missed = heads.filter(({ ref, sha }) => recorded[ref] !== sha && !found.some((head) => head.ref === ref));
    const failures: unknown[] = [];
    for (const head of missed.slice(0, headsPerPass)) {
      log.info('head was missed', { ref: head.ref, sha: head.sha });
      const event = toTriggerEvent(head, recorded[head.ref]);
      await settleMissing(() => ensureRuns({ open, event, log }, signal), log).catch((error: unknown) =>
        failures.push(error),
      );
    }
    const present = new Set(heads.map(({ ref }) => ref));
    const gone = Object.keys(recorded).filter((ref) => !present.has(ref));
    for (const ref of gone) {
      const number = /^refs\/pull\/([0-9]+)\/head$/.exec(ref)?.[1];
      if (number !== undefined) await cancelPull(ports, open, Number(number), signal);
    }
    if (gone.length > 0)
      await patchHeads(ports, open, headsPatch(Object.fromEntries(gone.map((ref) => [ref, null]))), signal);
    if (failures.length > 0) throw failures[0];
    return Math.max(0, missed.length - headsPerPass);
  }
}

function idOf({ uid, repository }: OpenRepository): string {
  return `${uid}/${repository.metadata.generation ?? 0}`;
}
