import { keys, resources, type KubeObject } from '@sluice/model';
import { createMask, referencedSecrets, type Mask } from '@sluice/trigger';
import type { OrchestratorPorts } from './ports.ts';
import type { RunObject } from './cancel-runs.ts';
import type { Repository } from '@sluice/model';

type SecretObject = KubeObject & { readonly data?: Readonly<Record<string, string>> };
type Entry = { readonly readAtMs: number; readonly mask: Mask };

/** How long values are taken to be those in the Secrets. */
const lifeMs = 30_000;
const remembered = 500;
/** Keys of a Secret of ours that hold nothing secret. */
const open = new Set(['appId']);

/**
 * Masks for what runs say: the values of every Secret that the run's Workflow names, and those with which its repository
 * signs in and is called. One reading of them serves the reports of half a minute.
 */
export function createRunMasks(ports: OrchestratorPorts) {
  const { kube } = ports;
  const masks = new Map<string, Entry>();

  return async function maskOf(run: RunObject, signal: AbortSignal): Promise<Mask> {
    const { uid = '', namespace = '', labels = {} } = run.metadata;
    const known = masks.get(uid);
    if (known && ports.now() - known.readAtMs < lifeMs) return known.mask;
    const key = { namespace, name: labels[keys.repository] ?? '' };
    const spec = (await kube.get<Repository>(resources.repositories, key, signal))?.spec;
    const own = [spec?.forge.secretRef?.name, spec?.webhook.secretRef.name].filter((name) => name !== undefined);
    const values: string[] = [];
    for (const name of new Set([...own, ...referencedSecrets(run.spec)])) {
      const secret = await kube.get<SecretObject>(resources.secrets, { namespace, name }, signal);
      values.push(...valuesOf(secret));
    }
    const mask = createMask(values);
    masks.delete(uid);
    masks.set(uid, { mask, readAtMs: ports.now() });
    const [oldest] = masks.keys();
    if (masks.size > remembered && oldest !== undefined) masks.delete(oldest);
    return mask;
  };
}

function valuesOf(secret: SecretObject | undefined): string[] {
  const data = Object.entries(secret?.data ?? {}).filter(([key]) => !open.has(key));
  return data.map(([, value]) => Buffer.from(value, 'base64').toString('utf8'));
}
