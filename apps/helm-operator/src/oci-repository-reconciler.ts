import {
  findCondition,
  formatProblems,
  resources,
  type JsonObject,
  type ObjectKey,
  type OciRepository,
  type SourceStatus,
} from '@sluice/model';
import { mediaTypes, OciClientError, parseReference, type Descriptor, type OciClient } from '@sluice/oci';
import { jittered, type EventRecorder, type Reconcile, type ReconcileResult } from '@sluice/reconcile';
import { annotations, parseOciSourceSpec, selectVersion, type OciSourcePlan } from '@sluice/release';
import { pathToFileURL } from 'node:url';
import type { ChartStore } from './chart-store.ts';
import { timestamp, type HelmOperatorPorts } from './ports.ts';
import { registryCredentials } from './source/registry-credentials.ts';
import { StatusDraft } from './status-draft.ts';

export type OciRepositoryPorts = Pick<HelmOperatorPorts, 'kube' | 'oci' | 'now'> & {
  readonly store: ChartStore;
  readonly events: EventRecorder;
};

const maxArtifactBytes = 50 * 1024 * 1024;

/** Keeps `status.artifact` of an OCIRepository at what its reference stands for, fetched and checked. */
export function ociRepositoryReconciler(ports: OciRepositoryPorts): Reconcile {
  return async (key, signal): Promise<ReconcileResult> => {
    const source = await ports.kube.get<OciRepository>(resources.ociRepositories, key, signal);
    if (!source || source.metadata.deletionTimestamp || source.spec?.suspend) return {};
    const draft = new StatusDraft<SourceStatus>(ports.kube, resources.ociRepositories, source, ports);
    const parsed = parseOciSourceSpec((source.spec ?? {}) as JsonObject);
    if (!parsed.ok) {
      stall(draft, 'InvalidSpec', formatProblems(parsed.problems));
      await draft.save();
      return {};
    }
    try {
      await fetchArtifact(ports, source, { plan: parsed.value, draft }, signal);
    } catch (error) {
      if (!(error instanceof OciClientError)) throw error;
      fail(draft, error);
      ports.events.event(source, 'Warning', 'OCIArtifactPullFailed', error.message);
      await draft.save();
      if (error.failure === 'Unavailable') throw error;
      return { requeueAfterMs: jittered(Math.min(parsed.value.intervalMs, 60_000)) };
    }
    const token = source.metadata.annotations?.[annotations.requestedAt];
    draft.set({ observedGeneration: draft.generation, ...(token ? { lastHandledReconcileAt: token } : {}) });
    await draft.save();
    return { requeueAfterMs: jittered(parsed.value.intervalMs) };
  };
}

type Work = { readonly plan: OciSourcePlan; readonly draft: StatusDraft<SourceStatus> };

async function fetchArtifact(
  ports: OciRepositoryPorts,
  source: OciRepository,
  { plan, draft }: Work,
  signal: AbortSignal,
): Promise<void> {
  const client = clientFor(ports, source, plan);
  const until = AbortSignal.any([signal, AbortSignal.timeout(plan.timeoutMs * 5)]);
  const reference = await referenceOf(client, plan, until);
  const { digest: manifestDigest, manifest } = await client.resolve(reference, { signal: until });
  const layer = pickLayer(manifest.layers, plan, reference);
  const revision = plan.ref.kind === 'digest' ? manifestDigest : `${parsedTag(reference)}@${manifestDigest}`;
  const { digest } = layer;
  if (
    draft.current.artifact?.revision !== revision ||
    draft.current.artifact.digest !== digest ||
    !(await ports.store.has(digest))
  ) {
    await client.downloadBlob(plan.repository, layer, {
      path: ports.store.path(digest),
      maxBytes: maxArtifactBytes,
      signal: until,
    });
    const url = pathToFileURL(ports.store.path(digest)).href;
    const artifact = {
      path: ports.store.relativePath(digest),
      url,
      revision,
      digest,
      size: layer.size,
      lastUpdateTime: timestamp(ports),
    };
    draft.set({ artifact: { ...artifact, ...(manifest.annotations ? { metadata: manifest.annotations } : {}) }, url });
    ports.events.event(source, 'Normal', 'NewArtifact', `stored artifact with revision ${revision} from ${reference}`);
  }
  const message = `stored artifact for digest ${revision}`;
  draft.drop('FetchFailed', 'Stalled', 'Reconciling');
  draft.condition({ type: 'ArtifactInStorage', status: 'True', reason: 'Succeeded', message });
  draft.condition({ type: 'Ready', status: 'True', reason: 'Succeeded', message });
}

function parsedTag(reference: string): string {
  const parsed = parseReference(reference);
  return (parsed.ok && parsed.value.tag) || 'latest';
}

async function referenceOf(client: OciClient, plan: OciSourcePlan, signal: AbortSignal): Promise<string> {
  const { kind, value } = plan.ref;
  if (kind === 'digest') return `${plan.repository}@${value}`;
  if (kind === 'tag') return `${plan.repository}:${value}`;
  const tag = selectVersion(await client.listTags(plan.repository, { signal }), value);
  if (tag) return `${plan.repository}:${tag}`;
  throw new OciClientError('NotFound', `no tag of ${plan.repository} is a version in the range "${value}"`);
}

function pickLayer(layers: readonly Descriptor[], { mediaType }: OciSourcePlan, reference: string): Descriptor {
  const wanted = mediaType ?? mediaTypes.helmChart;
  const found = layers.find((layer) => layer.mediaType === wanted) ?? (mediaType ? undefined : layers[0]);
  if (found) return found;
  const has = layers.map((layer) => layer.mediaType).join(', ') || 'none';
  throw new OciClientError('NotFound', `${reference} has no layer of type ${wanted}; it has: ${has}`);
}

function clientFor(ports: OciRepositoryPorts, source: OciRepository, plan: OciSourcePlan): OciClient {
  const { secretName } = plan;
  return ports.oci({
    timeoutMs: plan.timeoutMs,
    isInsecure: () => plan.insecure,
    ...(secretName
      ? { credentials: (host: string) => registryCredentials(ports.kube, keyFor(source, secretName), host) }
      : {}),
  });
}

function keyFor({ metadata: { namespace } }: OciRepository, name: string): ObjectKey {
  return namespace ? { namespace, name } : { name };
}

function stall(draft: StatusDraft<SourceStatus>, reason: string, message: string): void {
  draft.drop('Reconciling');
  draft.condition({ type: 'Stalled', status: 'True', reason, message });
  draft.condition({ type: 'Ready', status: 'False', reason, message });
  draft.set({ observedGeneration: draft.generation });
}

function fail(draft: StatusDraft<SourceStatus>, error: OciClientError): void {
  const reason = error.failure === 'Denied' ? 'AuthenticationFailed' : 'OCIArtifactPullFailed';
  draft.drop('Stalled');
  draft.condition({ type: 'FetchFailed', status: 'True', reason, message: error.message });
  const inStorage = findCondition(draft.current.conditions, 'ArtifactInStorage')?.status === 'True';
  const kept = inStorage ? `${error.message}; the artifact fetched before stays in use` : error.message;
  draft.condition({ type: 'Ready', status: 'False', reason, message: kept });
  draft.set({ observedGeneration: draft.generation });
}
