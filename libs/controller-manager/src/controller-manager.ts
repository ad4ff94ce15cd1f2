import { type Controller, createEventRecorder, createInformerSet, type KubeApi, pause } from '@sluice/reconcile';
import { Closers, type Log, type Running } from '@sluice/runtime';
import { cronJobController } from './cron-job-controller.ts';
import { daemonSetController } from './daemon-set-controller.ts';
import { deploymentController } from './deployment-controller.ts';
import { disruptionController } from './disruption-controller.ts';
import { startEventExpiry } from './event-expiry.ts';
import { garbageCollector } from './garbage-collector.ts';
import { jobController } from './job-controller.ts';
import type { ManagerContext } from './manager-context.ts';
import { namespaceController } from './namespace-controller.ts';
import { ObjectCatalogue } from './object-catalogue.ts';
import { replicaSetController } from './replica-set-controller.ts';
import { schedulerController } from './scheduler.ts';
import { serviceAccountController } from './service-account-controller.ts';
import { serviceController } from './service-controller.ts';
import { statefulSetController } from './stateful-set-controller.ts';
import { ensureDirectoryClass, volumeController } from './volume-controller.ts';

export type ControllerManagerOptions = {
  readonly kube: KubeApi;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Ends the start. */
  readonly signal?: AbortSignal;
  /** Certificate of the API server's authority, PEM: published to every namespace as kube-root-ca.crt. */
  readonly ca?: string;
};

/** Start the controllers of a cluster. Resolves once all caches have synced and everything is being looked at. */
export async function startControllerManager(options: ControllerManagerOptions): Promise<Running> {
  const { kube, now = Date.now, ca } = options;
  const log = options.log.with({ component: 'controller-manager' });
  const closers = new Closers();
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const informers = createInformerSet(kube, { log });
  closers.add(() => informers.close());
  const events = createEventRecorder({ kube, component: 'controller-manager', log, now });
  closers.add(() => Promise.race([events.flush(), pause(2_000)]));
  const context: ManagerContext = { kube, informers, events, log, now };
  try {
    const catalogue = new ObjectCatalogue(kube, informers, log);
    await Promise.all([catalogue.start(signal), ensureDirectoryClass(context)]);
    const controllers: Controller[] = [
      namespaceController(context, catalogue),
      serviceAccountController(context, ca),
      volumeController(context),
      schedulerController(context),
      serviceController(context),
      replicaSetController(context),
      deploymentController(context),
      statefulSetController(context),
      daemonSetController(context),
      jobController(context),
      cronJobController(context),
      disruptionController(context),
      garbageCollector(context, catalogue),
    ];
    for (const controller of controllers) closers.add(() => controller.close());
    await Promise.all(controllers.map((controller) => controller.start(signal)));
    const expiry = startEventExpiry(context);
    closers.add(() => expiry.close());
  } catch (error) {
    stop.abort();
    await closers.close().catch(() => {});
    throw error;
  }
  return {
    close: () => {
      stop.abort();
      return closers.close();
    },
  };
}
