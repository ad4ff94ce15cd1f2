import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  resources,
  type ChartKind,
  type ChartKindSpec,
  type ChartKindStatus,
  type Condition,
  type JsonObject,
  type KubeObject,
} from '@sluice/model';
import { BadChart, parseValues, type Chart } from '@sluice/helm';
import { BadArchive } from '@sluice/oci';
import {
  addFinalizer,
  hasFinalizer,
  isKubeError,
  removeFinalizer,
  type KubeApi,
  type Reconcile,
  type ReconcileResult,
} from '@sluice/reconcile';
import {
  buildKindDefinition,
  definitionConflict,
  resourceOfChartKind,
  schemaOfChart,
  type ChartSchema,
  type ChartSourceKind,
} from '@sluice/release';
import type { ChartStore } from '../chart-store.ts';
import { readySource } from '../chart-source.ts';
import type { ReleaseEvents } from '../release-events.ts';
import { StatusDraft } from '../status-draft.ts';
import type { KindControllers } from './kind-controllers.ts';

/** Keeps a ChartKind until its definition is gone. */
const finalizer = 'sluice.dev/chart-kind';
const fieldManager = 'sluice-helm-operator';
const waitMs = 10_000;
const inUseMs = 2_000;
const maxSchemaBytes = 2 * 1024 * 1024;

export type ChartKindPorts = {
  readonly kube: KubeApi;
  readonly store: ChartStore;
  readonly events: ReleaseEvents;
  readonly now: () => number;
  readonly kinds: KindControllers;
};

type Draft = StatusDraft<ChartKindStatus>;
type Ready = ChartKind & { readonly spec: ChartKindSpec };

/** Makes a kind of each ChartKind and works on its objects. */
export function chartKindReconciler(ports: ChartKindPorts): Reconcile {
  return async (key, signal): Promise<ReconcileResult> => {
    const chartKind = await ports.kube.get<ChartKind>(resources.chartKinds, key, signal);
    if (!chartKind?.spec) {
      await ports.kinds.stop(key.name);
      return {};
    }
    const ready: Ready = { ...chartKind, spec: chartKind.spec };
    const draft = new StatusDraft<ChartKindStatus>(ports.kube, resources.chartKinds, chartKind, ports);
    if (chartKind.metadata.deletionTimestamp) return remove(ports, ready, draft, signal);
    if (ready.spec.suspend) return {};
    await addFinalizer(ports.kube, resources.chartKinds, chartKind, finalizer);
    return establish(ports, ready, draft, signal);
  };
}

async function establish(
  ports: ChartKindPorts,
  chartKind: Ready,
  draft: Draft,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { kube, store, kinds } = ports;
  const { spec, metadata } = chartKind;
  const { name, namespace } = spec.chartRef;
  const source = { kind: spec.chartRef.kind as ChartSourceKind, name, namespace };
  const holder = { ...chartKind, metadata: { ...metadata, namespace } } as unknown as Parameters<typeof readySource>[1];
  const artifact = await readySource({ kube, store }, holder, { source }, signal);
  if (typeof artifact === 'string') return refuse(draft, 'SourceNotReady', artifact);
  let chart: Chart;
  let schema: ChartSchema;
  try {
    chart = await store.chart(artifact.digest, artifact.digestInVersion);
    schema = await readSchema(chart.directory);
  } catch (error) {
    if (!(error instanceof BadChart || error instanceof BadArchive)) throw error;
    return refuse(draft, 'BadChart', error.message);
  }
  const resource = resourceOfChartKind(spec);
  const key = { name: `${resource.plural}.${resource.group}` };
  const present = await kube.get<KubeObject<JsonObject>>(resources.customResourceDefinitions, key, signal);
  const conflict = definitionConflict(chartKind, present);
  if (conflict) return refuse(draft, 'NameCollision', conflict);
  const definition = buildKindDefinition(chartKind, schema, present);
  try {
    if (!present || draft.current.chartRevision !== artifact.revision || isNew(chartKind, draft))
      await kube.apply(resources.customResourceDefinitions, definition, { fieldManager, signal });
  } catch (error) {
    if (!isKubeError(error, 'Invalid', 'BadRequest')) throw error;
    return refuse(draft, 'InvalidDefinition', error.message);
  }
  const established = await kube.get<KubeObject<unknown, { conditions?: readonly Condition[] }>>(
    resources.customResourceDefinitions,
    key,
    signal,
  );
  const conditions = established?.status?.conditions ?? [];
  const refused = conditions.find(({ type, status }) => type === 'NamesAccepted' && status === 'False');
  if (refused) return refuse(draft, 'NameCollision', refused.message);
  if (!conditions.some(({ type, status }) => type === 'Established' && status === 'True')) {
    await refuse(draft, 'Progressing', `CustomResourceDefinition ${key.name} is not established yet`);
    return { requeueAfterMs: 200 };
  }
  await kinds.start(chartKind);
  draft.set({
    observedGeneration: draft.generation,
    definition: key.name,
    chartRevision: artifact.revision,
    schemaSource: schema.source,
    openPaths: schema.openPaths,
  });
  const message = `${resource.kind} (${key.name}) stands for chart ${chart.metadata.name}@${chart.metadata.version}`;
  draft.condition({ type: 'Ready', status: 'True', reason: 'Established', message });
  await draft.save();
  return {};
}

function isNew(chartKind: Ready, draft: Draft): boolean {
  return draft.current.observedGeneration !== chartKind.metadata.generation;
}

async function refuse(draft: Draft, reason: string, message: string): Promise<ReconcileResult> {
  draft.condition({ type: 'Ready', status: 'False', reason, message });
  draft.set({ observedGeneration: draft.generation });
  await draft.save();
  return { requeueAfterMs: waitMs };
}

/** The schema that the chart ships, else one made of its values. */
async function readSchema(directory: string): Promise<ChartSchema> {
  const values = await readCapped(join(directory, 'values.yaml'));
  const schema = await readCapped(join(directory, 'values.schema.json'));
  try {
    const parsed = schema === undefined ? undefined : (JSON.parse(schema) as JsonObject);
    return schemaOfChart(parsed, parseValues(values ?? '') as JsonObject);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new BadChart(`values.schema.json or values.yaml cannot be read: ${why}`);
  }
}

async function readCapped(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text !== undefined && text.length > maxSchemaBytes)
    throw new BadChart(`${path.split('/').at(-1) ?? ''} is too large`);
  return text;
}

/** A kind that is still in use stays: deleting its definition would delete every app made with it. */
async function remove(
  ports: ChartKindPorts,
  chartKind: Ready,
  draft: Draft,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  if (!hasFinalizer(chartKind, finalizer)) return {};
  const resource = resourceOfChartKind(chartKind.spec);
  const key = { name: `${resource.plural}.${resource.group}` };
  const present = await ports.kube.get(resources.customResourceDefinitions, key, signal);
  const ours = present !== undefined && definitionConflict(chartKind, present) === undefined;
  if (ours) {
    await ports.kinds.start(chartKind);
    const { items } = await ports.kube.list(resource, { limit: 5, signal });
    if (items.length > 0) {
      const names = items.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`).join(', ');
      const message = `still in use by ${names}; delete these first, their apps would go with the kind`;
      draft.condition({ type: 'Ready', status: 'False', reason: 'InUse', message });
      await draft.save();
      return { requeueAfterMs: inUseMs };
    }
    await ports.kinds.stop(chartKind.metadata.name);
    await ports.kube.delete(resources.customResourceDefinitions, key, { signal });
  }
  await removeFinalizer(ports.kube, resources.chartKinds, chartKind, finalizer);
  return {};
}
