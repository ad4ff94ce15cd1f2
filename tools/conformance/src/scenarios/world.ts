import {
  apiVersionOf,
  type JsonObject,
  keys,
  type KubeObject,
  type ObjectKey,
  type Resource,
  resources,
} from '@sluice/model';
import { KubeApiError } from '@sluice/reconcile';
import { FakeKube } from '@sluice/reconcile/testing';
import { AdmissionQueue, LockTable, restoreLocks, type Workflow, type WorkflowSpec } from '@sluice/workflow';
import {
  kubePorts,
  lookupOver,
  type ReconcilerOptions,
  workflowReconciler,
  type WorkflowReader,
} from '@sluice/workflow-controller';
import type { PodReport, Scenario } from './scenario.ts';

const nodeName = 'workflows.argoproj.io/node-name';
const workflowLabel = 'workflows.argoproj.io/workflow';
const maxPasses = 60;

/** A cluster in memory with the real reconciler, a fake clock and pods that do what the scenario says. */
export class World {
  readonly kube: FakeKube;
  readonly events: string[] = [];
  now: number;
  requeueAfterMs: number | undefined;
  /** How often the controller asked for another look at a workflow. */
  woken = 0;
  denied: readonly {
    readonly kind: string;
    readonly code: number;
    readonly reason: string;
    readonly message: string;
  }[] = [];
  readonly #options: ReconcilerOptions;
  readonly #config: JsonObject;
  readonly #repository: JsonObject;
  #reconcile: ReturnType<typeof workflowReconciler>;

  constructor(scenario: Scenario) {
    this.now = Date.parse(scenario.now ?? '2026-01-01T00:00:00Z');
    this.kube = new FakeKube({ now: () => this.now });
    const { controllerConfig = {} } = scenario;
    this.#config = controllerConfig;
    const restrictions = (
      controllerConfig['workflowRestrictions'] as { templateReferencing?: 'Strict' | 'Secure' } | undefined
    )?.templateReferencing;
    const configured = controllerConfig['artifactRepository'] as JsonObject | undefined;
    this.#repository = configured ?? { s3: { endpoint: 'minio:9000', bucket: 'my-bucket' } };
    const defaults = (controllerConfig['workflowDefaults'] as { spec?: WorkflowSpec } | undefined)?.spec;
    this.#options = {
      coalesceMs: 0,
      artifacts: true,
      nodeEvents: true,
      ...(defaults ? { workflowDefaults: defaults } : {}),
      ...(restrictions ? { templateReferencing: restrictions } : {}),
    };
    const workflows = [...(scenario.otherWorkflows ?? []), scenario.workflow].map((workflow) => ({
      ...workflow,
      kind: 'Workflow',
    }));
    for (const object of [...(scenario.objects ?? []), ...workflows]) this.apply(object);
    this.denied = (scenario as { readonly denyCreate?: World['denied'] }).denyCreate ?? [];
    this.#reconcile = this.#makeReconciler();
  }

  restart(): void {
    this.#reconcile = this.#makeReconciler();
  }

  #makeReconciler(): ReturnType<typeof workflowReconciler> {
    const reader: WorkflowReader = {
      workflow: (key) => this.kube.get<Workflow>(resources.workflows, key),
      pods: async ({ metadata }) =>
        this.kube
          .objects(resources.pods, metadata.namespace)
          .filter((pod) => pod.metadata.labels?.[workflowLabel] === metadata.name),
      lookup: async (namespace) => {
        const find = (resource: Resource, name: string): KubeObject | undefined =>
          this.kube
            .objects(resource)
            .find(
              ({ metadata }) => metadata.name === name && (!resource.namespaced || metadata.namespace === namespace),
            );
        return lookupOver({
          template: (name) => find(resources.workflowTemplates, name),
          clusterTemplate: (name) => find(resources.clusterWorkflowTemplates, name),
          configMap: (name) => find(resources.configMaps, name),
        });
      },
    };
    const events = {
      event: (_object: KubeObject, type: string, reason: string, message: string) =>
        void this.events.push(`${type} ${reason} ${message}`),
    };
    const kube = this.#guarded();
    const locks = new LockTable();
    restoreLocks(locks, this.kube.objects<Workflow>(resources.workflows));
    return workflowReconciler(
      kubePorts({
        kube,
        reader,
        events,
        now: () => this.now,
        outputs: () => 'native',
        artifactRepository: this.#repository,
        wake: () => void this.woken++,
      }),
      this.#options,
      undefined,
      locks,
      this.#admission(),
    );
  }

  #admission(): AdmissionQueue {
    const numberOf = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value));
    const { parallelism, namespaceParallelism } = this.#config;
    const admission = new AdmissionQueue({
      total: numberOf(parallelism),
      inNamespace: (name) =>
        numberOf(
          this.kube.objects(resources.namespaces).find(({ metadata }) => metadata.name === name)?.metadata.labels?.[
            'workflows.argoproj.io/parallelism-limit'
          ] ?? namespaceParallelism,
        ),
    });
    admission.restore(this.kube.objects<Workflow>(resources.workflows));
    return admission;
  }

  /** The API as the controller sees it: it may refuse to create some kinds. */
  #guarded(): FakeKube {
    const refuse = (kind: string): void => {
      const denial = this.denied.find((rule) => rule.kind === kind);
      if (denial) throw new KubeApiError(denial.code, denial.reason, denial.message);
    };
    return new Proxy(this.kube, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== 'function') return value;
        if (property !== 'create') return value.bind(target) as unknown;
        return async (resource: Resource, ...rest: unknown[]): Promise<unknown> => {
          refuse(resource.kind);
          return (value as (...all: unknown[]) => Promise<unknown>).call(target, resource, ...rest);
        };
      },
    });
  }

  /** Create or replace an object. */
  apply(object: KubeObject): void {
    const resource = resourceOf(object.kind);
    const { metadata } = object;
    const namespace = resource.namespaced ? { namespace: metadata.namespace ?? 'default' } : {};
    this.kube.put(resource, {
      ...object,
      apiVersion: object.apiVersion ?? apiVersionOf(resource),
      metadata: {
        creationTimestamp: new Date(this.now).toISOString(),
        uid: `uid-${metadata.name}`,
        ...metadata,
        ...namespace,
      },
    });
  }

  workflow(key: ObjectKey): Workflow | undefined {
    return this.kube
      .objects<Workflow>(resources.workflows, key.namespace)
      .find(({ metadata }) => metadata.name === key.name);
  }

  /** Reconcile until nothing changes any more. */
  async settle(workflows: readonly ObjectKey[]): Promise<void> {
    for (let pass = 0; pass < maxPasses; pass++) {
      const before = this.kube.writes() + this.woken;
      this.requeueAfterMs = undefined;
      for (const key of workflows) {
        const { requeueAfterMs } = await this.#reconcile(key, new AbortController().signal);
        if (requeueAfterMs !== undefined)
          this.requeueAfterMs = Math.min(requeueAfterMs, this.requeueAfterMs ?? Infinity);
      }
      if (this.kube.writes() + this.woken === before) return;
    }
    throw new Error(`the controller still changes something after ${maxPasses} passes`);
  }

  pods(): readonly KubeObject[] {
    return this.kube.objects(resources.pods);
  }

  podOf(node: string, names: ReadonlyMap<string, string>): KubeObject | undefined {
    const full = names.get(node) ?? node;
    return this.pods().find((pod) => pod.metadata.annotations?.[nodeName] === full);
  }

  /** What the fake kubelet reports of a pod. */
  report(pod: KubeObject, report: Omit<PodReport, 'node'>): void {
    const at = new Date(this.now).toISOString().replace('.000Z', 'Z');
    const status = podStatus(pod, report, at);
    const spec = { ...(pod.spec as JsonObject), ...(report.host ? { nodeName: report.host } : {}) };
    this.kube.put(resources.pods, { ...pod, spec, status });
  }

  async remove(resource: Resource, key: ObjectKey): Promise<void> {
    await this.kube.delete(resource, key);
  }
}

/** The resource of a kind. */
export function resourceOf(kind: string): Resource {
  const found = Object.values<Resource>(resources).find((resource) => resource.kind === kind);
  if (!found) throw new Error(`the player knows no kind ${kind}`);
  return found;
}

function podStatus(pod: KubeObject, report: Omit<PodReport, 'node'>, at: string): JsonObject {
  const names = ((pod.spec as { readonly containers?: readonly { readonly name: string }[] }).containers ?? []).map(
    ({ name }) => name,
  );
  const finished = report.phase === 'Succeeded' || report.phase === 'Failed';
  const containerStatuses = names
    .map((name) => containerStatus(pod, name, report, at))
    .filter((status) => status !== undefined);
  return {
    phase: report.phase,
    ...(report.podIP ? { podIP: report.podIP } : {}),
    ...(report.reason ? { reason: report.reason } : {}),
    ...(report.message && (finished || report.phase === 'Pending') ? { message: report.message } : {}),
    containerStatuses,
  };
}

function containerStatus(
  pod: KubeObject,
  name: string,
  report: Omit<PodReport, 'node'>,
  at: string,
): JsonObject | undefined {
  const own = report.containers?.[name];
  const state =
    own?.state ?? (report.phase === 'Running' ? 'running' : report.phase === 'Pending' ? 'waiting' : 'terminated');
  const { reason, message } = own ?? (state === 'waiting' ? { reason: report.reason, message: report.message } : {});
  if (state === 'running') return { name, ready: true, state: { running: { startedAt: at } } };
  if (state === 'waiting')
    return {
      name,
      ready: false,
      state: { waiting: { ...(reason ? { reason } : {}), ...(message ? { message } : {}) } },
    };
  if (report.containers === undefined && report.phase === 'Failed' && report.exitCode === undefined) return undefined;
  return { name, ready: false, state: { terminated: terminated(pod, name, report, at) } };
}

function terminated(pod: KubeObject, name: string, report: Omit<PodReport, 'node'>, at: string): JsonObject {
  const own = report.containers?.[name];
  const exitCode = own?.exitCode ?? (name === 'main' ? (report.exitCode ?? 0) : 0);
  const shown = (name === 'main' ? capturedMessage(pod, report) : undefined) ?? own?.message;
  const reason = own?.reason ?? (exitCode === 0 ? 'Completed' : 'Error');
  return { exitCode, reason, ...(shown ? { message: shown } : {}), startedAt: at, finishedAt: at };
}

/** The termination message of a node that captures outputs, with what the pod's annotation asks for. */
function capturedMessage(pod: KubeObject, report: Omit<PodReport, 'node'>): string | undefined {
  const text = pod.metadata.annotations?.[keys.outputs];
  if (!text) return undefined;
  const capture = JSON.parse(text) as {
    readonly result?: boolean;
    readonly parameters?: readonly { readonly name: string; readonly default?: string }[];
    readonly artifacts?: readonly { readonly name: string }[];
  };
  const parameters: Record<string, string> = {};
  for (const { name, default: fallback } of capture.parameters ?? []) {
    const value = report.parameters?.[name] ?? fallback;
    if (value !== undefined) parameters[name] = value;
  }
  const result = capture.result && report.result !== undefined ? { result: report.result.replace(/\n$/, '') } : {};
  const artifacts = (capture.artifacts ?? [])
    .map(({ name }) => name)
    .filter((name) => (report.artifacts ? report.artifacts.includes(name) : report.phase === 'Succeeded'));
  const message = {
    ...result,
    ...(Object.keys(parameters).length > 0 ? { parameters } : {}),
    ...(capture.artifacts ? { artifacts } : {}),
  };
  return Object.keys(message).length > 0 ? JSON.stringify(message) : undefined;
}
