import { resources, type HelmRelease, type JsonObject, type KubeObject } from '@sluice/model';
import type { Chart } from '@sluice/helm';
import { isKubeError, pause, type KubeApi } from '@sluice/reconcile';
import type { CrdPolicy } from '@sluice/release';

/** A CRD of the chart cannot be had: refused by the server, or never established. `message` names it. */
export class CrdFailed extends Error {
  override readonly name = 'CrdFailed';
}

const fieldManager = 'sluice-helm-operator';
const establishMs = 60_000;

/**
 * Apply the CRDs of a chart by policy and wait until the server serves them. Returns what in `crds/` was passed over; throws {@link CrdFailed}.
 */
export async function applyCrds(
  kube: KubeApi,
  chart: Chart,
  options: { readonly policy: CrdPolicy; readonly release: HelmRelease; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const { policy, release, signal } = options;
  if (policy === 'Skip') return [];
  const ignored: string[] = [];
  const waiting: string[] = [];
  for (const { file, object } of chart.crds) {
    const name = nameOf(object);
    if (object['kind'] !== 'CustomResourceDefinition' || name === undefined) {
      ignored.push(`${file}: ${JSON.stringify(object['kind'])} is not a CustomResourceDefinition`);
      continue;
    }
    const present = await kube.get(resources.customResourceDefinitions, { name }, signal);
    if (present && policy === 'Create') continue;
    await applyCrd(kube, labelled(object, release), signal);
    waiting.push(name);
  }
  for (const name of waiting) await waitEstablished(kube, name, signal);
  return ignored;
}

async function applyCrd(kube: KubeApi, crd: KubeObject, signal: AbortSignal): Promise<void> {
  try {
    await kube.apply(resources.customResourceDefinitions, crd, { fieldManager, signal });
  } catch (error) {
    if (!isKubeError(error, 'Invalid', 'BadRequest', 'Forbidden')) throw error;
    throw new CrdFailed(`CustomResourceDefinition ${crd.metadata.name} of the chart was refused: ${error.message}`, {
      cause: error,
    });
  }
}

function nameOf(object: JsonObject): string | undefined {
  const name = (object['metadata'] as JsonObject | undefined)?.['name'];
  return typeof name === 'string' ? name : undefined;
}

function labelled(object: JsonObject, release: HelmRelease): KubeObject {
  const crd = object as unknown as KubeObject;
  const labels = {
    ...crd.metadata.labels,
    'helm.toolkit.fluxcd.io/name': release.metadata.name,
    'helm.toolkit.fluxcd.io/namespace': release.metadata.namespace ?? '',
  };
  return { ...crd, metadata: { ...crd.metadata, labels } };
}

type CrdStatus = { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };

async function waitEstablished(kube: KubeApi, name: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + establishMs;
  for (let delayMs = 20; ; delayMs = Math.min(delayMs * 2, 1_000)) {
    signal.throwIfAborted();
    const crd = await kube.get<KubeObject<unknown, CrdStatus>>(resources.customResourceDefinitions, { name }, signal);
    if (crd?.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) return;
    if (performance.now() > deadline) {
      throw new CrdFailed(
        `CustomResourceDefinition ${name} was not established within ${establishMs / 1_000} s; see its conditions`,
      );
    }
    await pause(delayMs, signal);
  }
}
