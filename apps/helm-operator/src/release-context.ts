import type { HelmRelease, HelmReleaseStatus, JsonObject } from '@sluice/model';
import type { Chart, Helm } from '@sluice/helm';
import type { KubeApi } from '@sluice/reconcile';
import type { DesiredRelease, ReleasePlan } from '@sluice/release';
import type { Log } from '@sluice/runtime';
import type { ChartStore } from './chart-store.ts';
import type { Interrupts } from './interrupts.ts';
import type { ReleaseEvents } from './release-events.ts';
import type { ReleaseStorage } from './release-storage.ts';
import type { TargetClusters } from './target-cluster.ts';
import type { StatusDraft } from './status-draft.ts';

/** What working on releases needs. */
export type ReleasePorts = {
  readonly kube: KubeApi;
  readonly helm: Helm;
  readonly storage: ReleaseStorage;
  readonly store: ChartStore;
  readonly events: ReleaseEvents;
  /** Origin labels on everything, at the cost of a process an operation; else only where a post-renderer runs anyway. */
  readonly originLabels: boolean;
  /** Field managers whose changes to objects of releases are drift, even where they only added something. */
  readonly overrideManagers: readonly string[];
  readonly interrupts: Interrupts;
  readonly targets: TargetClusters;
  readonly log: Log;
  readonly now: () => number;
};

/** One release on its way to what is wanted: everything that a pass reads. */
export type ReleaseContext = {
  readonly ports: ReleasePorts;
  readonly release: HelmRelease;
  readonly plan: ReleasePlan;
  readonly desired: DesiredRelease;
  readonly chart: Chart;
  readonly values: JsonObject;
  readonly draft: StatusDraft<HelmReleaseStatus>;
  readonly signal: AbortSignal;
};

/** `ns/name` of the Helm release with the chart, for messages. */
export function describeDesired({ namespace, name, chartName, chartVersion }: DesiredRelease): string {
  return `release ${namespace}/${name} with chart ${chartName}@${chartVersion}`;
}
