import { Closers, type Log, type Reporting, reportingOf, type Running } from '@sluice/runtime';
import type { Reconcile, WatchSource } from './controller.ts';
import { createEventRecorder, type EventRecorder } from './event-recorder.ts';
import { createInformerSet, type InformerSet, type InformerSetOptions } from './informer-set.ts';
import type { KubeApi } from './kube-api.ts';
import { createLeaderElection, type LeaderElectionOptions } from './leader-election.ts';
import type { Leadership } from './leadership.ts';
import { type ControllerOptions, createController } from './run-controller.ts';

/** What a controller of an operator is made with. */
export type OperatorPorts = {
  /** Fenced: its writes are refused once the lease is lost. */
  readonly kube: KubeApi;
  readonly informers: InformerSet;
  readonly events: EventRecorder;
  readonly now: () => number;
};

/** One controller of an operator. `reconcile` is made once, before the caches are filled. */
export type OperatorController = Pick<
  ControllerOptions,
  'concurrency' | 'timeoutMs' | 'resyncMs' | 'baseBackoffMs' | 'maxBackoffMs'
> & {
  readonly name: string;
  readonly watches: readonly WatchSource[];
  readonly reconcile: (ports: OperatorPorts) => Reconcile;
};

export type OperatorOptions = Reporting & {
  /** Names the operator in events and in its lease. */
  readonly name: string;
  readonly kube: KubeApi;
  readonly log: Log;
  readonly controllers: readonly OperatorController[];
  /** Run several replicas of which one works. Without it there must be only one. */
  readonly leaderElection?: Pick<LeaderElectionOptions, 'lease' | 'identity' | 'onLost' | 'clock'> &
    Partial<Pick<LeaderElectionOptions, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>>;
  readonly informers?: InformerSetOptions;
  readonly drainMs?: number;
  readonly now?: () => number;
};

/**
 * Start controllers over shared caches. Closing takes no more work, stops the watches, lets what is under way end within
 * `drainMs`, writes the last events and only then gives the lease back.
 */
export async function startOperator(options: OperatorOptions, signal?: AbortSignal): Promise<Running> {
  const { kube, log, name, now = Date.now } = options;
  const closers = new Closers();
  const leadership = startElection(options, closers);
  const fenced = leadership ? leadership.fence(kube) : kube;
  const events = createEventRecorder({ kube, component: name, log, now });
  closers.add(() => events.flush());
  const informers = createInformerSet(kube, { log, ...reportingOf(options), ...options.informers });
  const controllers = options.controllers.map(({ reconcile, ...controller }) =>
    createController({
      ...controller,
      informers,
      log,
      ...(leadership && { leadership }),
      ...(options.drainMs !== undefined && { drainMs: options.drainMs }),
      reconcile: reconcile({ kube: fenced, informers, events, now }),
    }),
  );
  closers.add(async () => {
    const drained = controllers.map((controller) => controller.close());
    await informers.close();
    await Promise.all(drained);
  });
  try {
    informers.start();
    await Promise.all(controllers.map((controller) => controller.start(signal)));
  } catch (error) {
    await closers.close();
    throw error;
  }
  log.info('operator started', { operator: name, controllers: controllers.length });
  return { close: () => closers.close() };
}

function startElection(options: OperatorOptions, closers: Closers): Leadership | undefined {
  const { leaderElection, kube, log, metrics } = options;
  if (!leaderElection) return undefined;
  const election = createLeaderElection({ ...leaderElection, kube, log, ...(metrics && { metrics }) });
  closers.add(() => election.close());
  election.start();
  return election;
}
