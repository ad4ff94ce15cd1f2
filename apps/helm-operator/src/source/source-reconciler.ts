import {
  findCondition,
  formatProblems,
  TransientError,
  type Artifact,
  type JsonObject,
  type Resource,
  type Result,
  type Source,
  type SourceStatus,
} from '@sluice/model';
import { jittered, type EventRecorder, type KubeApi, type Reconcile, type ReconcileResult } from '@sluice/reconcile';
import { annotations } from '@sluice/release';
import type { ChartStore } from '../chart-store.ts';
import { timestamp } from '../ports.ts';
import { StatusDraft } from '../status-draft.ts';
import { SourceError } from './source-error.ts';

/** What reconcilers of sources share. */
export type SourcePorts = {
  readonly kube: KubeApi;
  readonly store: ChartStore;
  readonly events: EventRecorder;
  readonly now: () => number;
};

/** A fetched artifact in the store; `path` and `url` are filled in by the caller. */
export type NewArtifact = Pick<Artifact, 'revision' | 'digest' | 'size' | 'metadata'> & { readonly suffix?: string };

export type SourceKind<Plan extends { readonly intervalMs: number }> = {
  readonly resource: Resource;
  parse(spec: JsonObject): Result<Plan>;
  /**
   * Look at the source. undefined: what the status has is still right. `ready` is the message of a source without artifact.
   * Throws {@link SourceError}.
   */
  fetch(
    source: Source,
    plan: Plan,
    signal: AbortSignal,
  ): Promise<{ readonly artifact?: NewArtifact; readonly status?: Partial<SourceStatus>; readonly ready?: string }>;
};

const waitMs = 30_000;

/** Keeps `status.artifact` of one kind of source as the source is. */
export function sourceReconciler<Plan extends { readonly intervalMs: number }>(
  ports: SourcePorts,
  kind: SourceKind<Plan>,
): Reconcile {
  return async (key, signal): Promise<ReconcileResult> => {
    const source = await ports.kube.get<Source>(kind.resource, key, signal);
    if (!source || source.metadata.deletionTimestamp || source.spec?.suspend) return {};
    const draft = new StatusDraft<SourceStatus>(ports.kube, kind.resource, source, ports);
    const parsed = kind.parse(source.spec ?? {});
    if (!parsed.ok) {
      const message = formatProblems(parsed.problems);
      draft.drop('Reconciling');
      draft.condition({ type: 'Stalled', status: 'True', reason: 'InvalidSpec', message });
      draft.condition({ type: 'Ready', status: 'False', reason: 'InvalidSpec', message });
      draft.set({ observedGeneration: draft.generation });
      await draft.save();
      return {};
    }
    const token = source.metadata.annotations?.[annotations.requestedAt];
    if (token) draft.set({ lastHandledReconcileAt: token });
    try {
      note(ports, source, draft, await kind.fetch(source, parsed.value, signal));
      await draft.save();
      return { requeueAfterMs: jittered(parsed.value.intervalMs) };
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      return await complain(ports, source, draft, { error, intervalMs: parsed.value.intervalMs });
    }
  };
}

type Draft = StatusDraft<SourceStatus>;

function note(
  ports: SourcePorts,
  source: Source,
  draft: Draft,
  { artifact, status, ready }: Awaited<ReturnType<SourceKind<{ intervalMs: number }>['fetch']>>,
): void {
  const known = draft.current.artifact;
  if (artifact && (known?.digest !== artifact.digest || known.revision !== artifact.revision)) {
    const { suffix, ...facts } = artifact;
    const stored = {
      ...facts,
      path: ports.store.relativePath(artifact.digest, suffix),
      url: ports.store.url(artifact.digest, suffix),
      lastUpdateTime: timestamp(ports),
    };
    draft.set({ artifact: stored, url: stored.url });
    ports.events.event(source, 'Normal', 'NewArtifact', `stored artifact with revision ${artifact.revision}`);
  }
  if (status) draft.set(status);
  const message = ready ?? `stored artifact for revision ${artifact?.revision ?? known?.revision ?? ''}`;
  draft.drop('FetchFailed', 'BuildFailed', 'Stalled', 'Reconciling');
  if (!ready) draft.condition({ type: 'ArtifactInStorage', status: 'True', reason: 'Succeeded', message });
  draft.condition({ type: 'Ready', status: 'True', reason: 'Succeeded', message });
  draft.set({ observedGeneration: draft.generation });
}

async function complain(
  ports: SourcePorts,
  source: Source,
  draft: Draft,
  { error, intervalMs }: { readonly error: SourceError; readonly intervalMs: number },
): Promise<ReconcileResult> {
  const { reason, message } = error;
  const kept = draft.current.artifact ? `${message}; the artifact fetched before stays in use` : message;
  if (findCondition(draft.current.conditions, 'Ready')?.message !== kept)
    ports.events.event(source, 'Warning', reason, message);
  draft.drop('Stalled');
  const type = reason === 'BuildFailed' ? 'BuildFailed' : 'FetchFailed';
  draft.condition({ type, status: 'True', reason, message });
  draft.condition({ type: 'Ready', status: 'False', reason, message: kept });
  draft.set({ observedGeneration: draft.generation });
  await draft.save();
  if (error.transient) throw new TransientError(message, { cause: error });
  return { requeueAfterMs: jittered(Math.min(intervalMs, waitMs)) };
}
