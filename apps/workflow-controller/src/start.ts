import { type KubeObject, type ObjectKey, resources } from '@sluice/model';
import {
  createController,
  createEventRecorder,
  createInformerSet,
  type InformerSet,
  type KubeApi,
} from '@sluice/reconcile';
import { Closers, type Log, type Reporting, reportingOf, type Running } from '@sluice/runtime';
import {
  AdmissionQueue,
  cronLabel,
  type CronWorkflow,
  LockTable,
  restoreLocks,
  type Workflow,
  type WorkflowSpec,
} from '@sluice/workflow';
import type { WorkflowControllerConfig } from './config.ts';
import { cronPorts, type CronPortsOptions } from './cron-ports.ts';
import { cronReconciler } from './cron-reconciler.ts';
import { kubePorts, lookupOver, type WorkflowReader } from './kube-ports.ts';
import { RunMemories } from './run-memory.ts';
import { workflowReconciler } from './workflow-reconciler.ts';

export type WorkflowControllerPorts = Reporting & {
  readonly kube: KubeApi;
  readonly log: Log;
  readonly now?: () => number;
};

const workflowLabel = 'workflows.argoproj.io/workflow';
const readConfigMaps = 'workflows.argoproj.io/configmap-type in (Parameter,Cache)';
const podsByWorkflow = 'workflow';
const runsByCron = 'cron';
const parallelismLabel = 'workflows.argoproj.io/parallelism-limit';

/** Start the workflow controller over a cluster. Resolves once its caches are filled and it works. */
export async function start(config: WorkflowControllerConfig, ports: WorkflowControllerPorts): Promise<Running> {
  const { kube, log, now = Date.now } = ports;
  const closers = new Closers();
  const informers = createInformerSet(kube, { log, ...reportingOf(ports) });
  closers.add(() => informers.close());
  const events = createEventRecorder({ kube, component: 'workflow-controller', log, now });
  closers.add(() => events.flush());
  const { reader, ready, outputs, workflows, cronReads, namespaceLimit } = openReader(informers, config);
  const locks = new LockTable();
  const admission = new AdmissionQueue({ total: config.parallelism, inNamespace: namespaceLimit });
  const reconcile = workflowReconciler(
    kubePorts({
      kube,
      reader,
      events,
      now,
      outputs,
      artifactRepository: config.artifactRepository,
      wake: (key) => controller.enqueue(key),
    }),
    {
      coalesceMs: config.coalesceMs,
      ...(config.workflowDefaults ? { workflowDefaults: config.workflowDefaults } : {}),
      ...(config.templateReferencing ? { templateReferencing: config.templateReferencing } : {}),
    },
    new RunMemories(),
    locks,
    admission,
  );
  const scope = config.namespace === undefined ? {} : { namespace: config.namespace };
  const controller = createController({
    name: 'workflow',
    informers,
    log,
    concurrency: config.workers,
    watches: [
      { resource: resources.workflows, ...scope },
      { resource: resources.pods, ...scope, labelSelector: workflowLabel, keysOf: workflowKeysOf },
    ],
    reconcile,
  });
  closers.add(() => controller.close());
  const cron = createController({
    name: 'cron-workflow',
    informers,
    log,
    watches: [
      { resource: resources.cronWorkflows, ...scope },
      { resource: resources.workflows, ...scope, keysOf: cronKeysOf },
    ],
    reconcile: cronReconciler(cronPorts({ kube, events, now, ...cronReads })),
  });
  closers.add(() => cron.close());
  try {
    await ready();
    restoreLocks(locks, workflows());
    admission.restore(workflows());
    await controller.start();
    await cron.start();
  } catch (error) {
    await closers.close();
    throw error;
  }
  log.info('workflow controller started', { namespace: config.namespace, outputs: outputs() });
  return { close: () => closers.close() };
}

function workflowKeysOf(pod: KubeObject): readonly ObjectKey[] {
  const name = pod.metadata.labels?.[workflowLabel];
  const { namespace } = pod.metadata;
  return name === undefined ? [] : [namespace === undefined ? { name } : { namespace, name }];
}

function cronKeysOf({ metadata: { labels, namespace } }: KubeObject): readonly ObjectKey[] {
  const name = labels?.[cronLabel];
  return name === undefined ? [] : [namespace === undefined ? { name } : { namespace, name }];
}

type OpenReader = {
  readonly reader: WorkflowReader;
  readonly ready: () => Promise<void>;
  readonly outputs: () => 'native' | 'wrapper';
  readonly workflows: () => readonly Workflow[];
  /** How many workflows may be under way in a namespace: its own label, else what the controller was told. */
  readonly namespaceLimit: (namespace: string) => number | undefined;
  readonly cronReads: Pick<CronPortsOptions, 'cron' | 'runsOf' | 'storedTemplate'>;
};

/** Caches of everything that a decision looks at. */
function openReader(informers: InformerSet, config: WorkflowControllerConfig): OpenReader {
  const scope = config.namespace === undefined ? {} : { namespace: config.namespace };
  const workflows = informers.informer<Workflow>(resources.workflows, scope);
  const pods = informers.informer(resources.pods, { ...scope, labelSelector: workflowLabel });
  pods.addIndexes({
    [podsByWorkflow]: (pod) => workflowKeysOf(pod).map(({ namespace, name }) => `${namespace}/${name}`),
  });
  const templates = informers.informer(resources.workflowTemplates, scope);
  const clusterTemplates = informers.informer(resources.clusterWorkflowTemplates, {});
  const configMaps = informers.informer(resources.configMaps, { ...scope, labelSelector: readConfigMaps });
  const nodes = informers.informer(resources.nodes, {});
  const crons = informers.informer<CronWorkflow>(resources.cronWorkflows, scope);
  workflows.addIndexes({ [runsByCron]: (run) => cronKeysOf(run).map(({ namespace, name }) => `${namespace}/${name}`) });
  // A controller of one namespace may not read namespaces.
  const namespaces = config.namespace === undefined ? informers.informer(resources.namespaces, {}) : undefined;
  const all = [
    workflows,
    pods,
    templates,
    clusterTemplates,
    configMaps,
    nodes,
    crons,
    ...(namespaces ? [namespaces] : []),
  ];
  const reader: WorkflowReader = {
    workflow: async (key) => workflows.get(key),
    async pods({ metadata: { namespace, name, uid } }) {
      const named = pods.byIndex(podsByWorkflow, `${namespace}/${name}`);
      return named.filter((pod) => pod.metadata.ownerReferences?.some((owner) => owner.uid === uid));
    },
    async lookup(namespace) {
      return lookupOver({
        template: (name) => templates.get({ namespace, name }),
        clusterTemplate: (name) => clusterTemplates.get({ name }),
        configMap: (name) => configMaps.get({ namespace, name }),
      });
    },
  };
  return {
    reader,
    workflows: () => workflows.list(),
    namespaceLimit(name) {
      const label = namespaces?.get({ name })?.metadata.labels?.[parallelismLabel];
      return label !== undefined && /^\d{1,6}$/.test(label) ? Number(label) : config.namespaceParallelism;
    },
    cronReads: {
      cron: (key) => crons.get(key),
      runsOf: ({ metadata: { namespace, name } }) => workflows.byIndex(runsByCron, `${namespace}/${name}`),
      storedTemplate(namespace, name, clusterScope) {
        const found = clusterScope ? clusterTemplates.get({ name }) : templates.get({ namespace, name });
        return found?.spec as WorkflowSpec | undefined;
      },
    },
    async ready() {
      for (const informer of all) informer.start();
      await Promise.all(all.map((informer) => informer.synced(AbortSignal.timeout(60_000))));
    },
    outputs() {
      if (config.outputs !== 'auto') return config.outputs;
      const known = nodes.list();
      return known.every((node) => node.metadata.labels?.['sluice.dev/native-outputs'] === 'true')
        ? 'native'
        : 'wrapper';
    },
  };
}
