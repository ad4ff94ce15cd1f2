import { randomUUID } from 'node:crypto';
import type { Source } from '@sluice/model';
import type { HelmChartPlan } from '@sluice/release';
import type { HelmOperatorPorts } from '../ports.ts';
import type { SourcePorts } from './source-reconciler.ts';

export type HelmChartPorts = SourcePorts & Pick<HelmOperatorPorts, 'oci'>;

/** What a chart is fetched with. */
export type ChartWork = {
  readonly ports: HelmChartPorts;
  readonly chart: Source;
  readonly plan: HelmChartPlan;
  readonly signal: AbortSignal;
};

/** A chart archive in scratch; or nothing, because what the status has is still right. */
export type FetchedChart = { readonly path: string; readonly version: string } | undefined;

/** True when the chart was made for this spec and its artifact is in the store. */
export async function isHere({ ports: { store }, chart }: ChartWork): Promise<boolean> {
  const { status, metadata } = chart;
  if (status?.observedGeneration !== metadata.generation || !status?.artifact) return false;
  return store.has(status.artifact.digest);
}

/** A new file in scratch. */
export function scratchFile({ store }: Pick<SourcePorts, 'store'>): string {
  return store.scratchPath(randomUUID());
}
