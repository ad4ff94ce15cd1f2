import { keyOf, keys, resources, type Environment, type KubeObject, type ObjectKey } from '@sluice/model';
import { createController, createInformerSet, type Controller, type InformerSet } from '@sluice/reconcile';
import { Closers, reportingOf, type Running } from '@sluice/runtime';
import { createPreviewCleaner, ofPreviews } from './clean-previews.ts';
import { createEnvironmentCheck } from './check-environment.ts';
import type { OrchestratorConfig } from './config.ts';
import { createDeliveryHandler } from './delivery-worker.ts';
import { createEnsureRuns } from './ensure-runs.ts';
import { createObeyCommand } from './obey-command.ts';
import type { OrchestratorPorts } from './ports.ts';
import { createReleaser } from './release-runs.ts';
import { createRepair } from './repair.ts';
import { createReleaseReporter } from './report-releases.ts';
import { createRunReporter } from './report-runs.ts';
import { createRepositoryAccess } from './repository-access.ts';
import { KeyedLock } from './keyed-lock.ts';

/** Objects that carry the name of a Repository. */
const ours = keys.repository;

/**
 * Start everything: the worker of deliveries, the repair of missed heads, reports of runs and releases, releases themselves.
 * Resolves once the caches have synced. `close` lets what is under way end.
 */
export async function start(config: OrchestratorConfig, ports: OrchestratorPorts): Promise<Running> {
  const closers = new Closers();
  const informers = createInformerSet(ports.kube, { log: ports.log, ...reportingOf(ports) });
  closers.add(() => informers.close());
  const controllers = buildControllers(config, ports, informers);
  try {
    for (const controller of controllers.list) closers.add(() => controller.close());
    await Promise.all(controllers.list.map((controller) => controller.start()));
    const worker = ports.deliveries.work((job, { signal }) => controllers.deliver(job, signal), {
      concurrency: config.concurrency,
    });
    closers.add(() => worker.close());
  } catch (error) {
    await closers.close();
    throw error;
  }
  ports.log.info('orchestrator started', { namespace: config.namespace ?? 'all', registry: config.registry });
  return { close: () => closers.close() };
}

function buildControllers(config: OrchestratorConfig, ports: OrchestratorPorts, informers: InformerSet) {
  const { log } = ports;
  const lock = new KeyedLock();
  const access = createRepositoryAccess(ports);
  const nextOrder = createOrder(() => ports.now());
  const ensureRuns = createEnsureRuns({ config, ports, nextOrder });
  const obeyCommand = createObeyCommand({ ports, ensureRuns, nextOrder });
  const scope = config.namespace === undefined ? {} : { namespace: config.namespace };
  const runScope = { ...scope, labelSelector: ours };
  const workflows = informers.informer(resources.workflows, runScope);
  const releases = informers.informer(resources.helmReleases, runScope);
  const runs = { resource: resources.workflows, ...runScope };
  const waiting = (environment: KubeObject): ObjectKey[] =>
    waitingRuns(workflows.list(environment.metadata.namespace), environment.metadata.name);
  const waitingFor = (release: KubeObject): ObjectKey[] => waitingRuns(workflows.list(release.metadata.namespace));
  const namespaces = informers.informer(resources.namespaces, { labelSelector: ofPreviews });
  const environments = informers.informer<Environment>(resources.environments, scope);
  const followersOf = ({ metadata }: KubeObject): ObjectKey[] =>
    environments
      .list(metadata.namespace)
      .filter(({ spec }) => spec?.mode === 'git' && spec.git?.repository === metadata.name)
      .map(keyOf);
  const common = { informers, log, maxBackoffMs: 60_000 };
  const repair = createRepair({ ports, access, ensureRuns, lock, repairIntervalMs: config.repairIntervalMs });
  const list: Controller[] = [
    createController({
      ...common,
      name: 'repository',
      watches: [{ resource: resources.repositories, ...scope }],
      timeoutMs: 600_000,
      reconcile: repair.reconcile,
    }),
    createController({
      ...common,
      name: 'environment',
      watches: [
        { resource: resources.environments, ...scope },
        { resource: resources.repositories, ...scope, keysOf: followersOf },
      ],
      reconcile: createEnvironmentCheck({ ports, access }),
    }),
    createController({
      ...common,
      name: 'run-report',
      watches: [runs],
      concurrency: 8,
      reconcile: createRunReporter({ config, ports, access, workflows }),
    }),
    createController({
      ...common,
      name: 'release',
      watches: [
        runs,
        { resource: resources.environments, ...scope, keysOf: waiting },
        { resource: resources.helmReleases, ...runScope, keysOf: waitingFor },
      ],
      reconcile: createReleaser({ config, ports, access, workflows }),
    }),
    createController({
      ...common,
      name: 'preview',
      watches: [
        { resource: resources.repositories, ...scope },
        { resource: resources.helmReleases, ...runScope, keysOf: repositoryOfPreview },
        { resource: resources.namespaces, labelSelector: ofPreviews, keysOf: repositoryOfHome },
      ],
      reconcile: createPreviewCleaner({ ports, access, releases, namespaces }),
    }),
    createController({
      ...common,
      name: 'release-report',
      watches: [{ resource: resources.helmReleases, ...runScope }],
      reconcile: createReleaseReporter({ config, ports, access, releases }),
    }),
  ];
  return { list, deliver: createDeliveryHandler({ ports, access, ensureRuns, obeyCommand, look: repair.look, lock }) };
}

/** Runs that have asked for this environment, or for any, and are not done with it. */
function waitingRuns(workflows: readonly KubeObject[], environment?: string): ObjectKey[] {
  const wanted = environment === undefined ? '' : JSON.stringify(environment);
  return workflows
    .filter(({ metadata: { annotations = {} } }) => {
      return annotations[keys.released] === undefined && annotations[keys.deploy]?.includes(wanted);
    })
    .map(({ metadata: { name, namespace = '' } }) => ({ namespace, name }));
}

/** The Repository of a release of a preview. */
function repositoryOfPreview({ metadata: { labels = {}, namespace = '' } }: KubeObject): ObjectKey[] {
  const name = labels[keys.repository];
  return name !== undefined && labels[ofPreviews] !== undefined ? [{ namespace, name }] : [];
}

/** The Repository of the namespace of a preview. */
function repositoryOfHome({ metadata: { labels = {}, annotations = {} } }: KubeObject): ObjectKey[] {
  const name = labels[keys.repository];
  const [namespace] = annotations[keys.release]?.split('/') ?? [];
  return name !== undefined && namespace !== undefined ? [{ namespace, name }] : [];
}

/** Numbers that grow, also when the clock goes back while the program runs. */
function createOrder(now: () => number): () => number {
  let last = 0;
  return () => (last = Math.max(now(), last + 1));
}
