import { createHash } from 'node:crypto';
import { keyOf, resources } from '@sluice/model';
import {
  decodeRelease,
  releaseSelector,
  unlockRelease,
  withStatus,
  type ReleaseRecord,
  type StoredSecret,
} from '@sluice/helm';
import type { KubeApi } from '@sluice/reconcile';
import type { Clock } from './ports.ts';

const maxRevisions = 500;
const maxCachedChars = 64 * 1024 * 1024;

/** Helm's release records in the cluster. Decoded records are remembered by the text that they came from. */
export class ReleaseStorage {
  readonly #kube: KubeApi;
  readonly #clock: Clock;
  readonly #decoded = new Map<string, { readonly record: ReleaseRecord; readonly chars: number }>();
  #chars = 0;

  constructor(kube: KubeApi, clock: Clock) {
    this.#kube = kube;
    this.#clock = clock;
  }

  /** All revisions of a release, newest first. */
  async read(namespace: string, name: string, signal?: AbortSignal): Promise<readonly ReleaseRecord[]> {
    const secrets = await this.#list(namespace, name, signal);
    return secrets.map((secret) => this.#decode(secret)).sort((a, b) => b.version - a.version);
  }

  /** Mark an abandoned revision failed, or remove it. False when it is not there or not abandoned any more. */
  async unlock(
    namespace: string,
    name: string,
    unlock: { readonly version: number; readonly discard: boolean },
  ): Promise<boolean> {
    const secrets = await this.#list(namespace, name);
    const secret = secrets.find((candidate) => this.#decode(candidate).version === unlock.version);
    if (!secret) return false;
    const changed = unlockRelease(secret, Math.floor(this.#clock.now() / 1_000));
    if (changed === secret) return false;
    const { uid, resourceVersion } = secret.metadata;
    if (unlock.discard) {
      const guards = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
      await this.#kube.delete(resources.secrets, keyOf(secret), guards);
    } else await this.#kube.replace(resources.secrets, changed);
    return true;
  }

  /** Mark a deployed revision failed, as helm does when a wait fails. */
  async fail(namespace: string, name: string, version: number, description: string): Promise<void> {
    const secrets = await this.#list(namespace, name);
    const secret = secrets.find((candidate) => this.#decode(candidate).version === version);
    if (!secret) return;
    const changed = withStatus(secret, 'failed', description, Math.floor(this.#clock.now() / 1_000));
    await this.#kube.replace(resources.secrets, changed);
  }

  async #list(namespace: string, name: string, signal?: AbortSignal): Promise<readonly StoredSecret[]> {
    const { items } = await this.#kube.list<StoredSecret>(resources.secrets, {
      namespace,
      labelSelector: releaseSelector(name),
      limit: maxRevisions,
      ...(signal ? { signal } : {}),
    });
    return items.filter(({ type }) => type === 'helm.sh/release.v1');
  }

  #decode(secret: StoredSecret): ReleaseRecord {
    const text = secret.data?.['release'] ?? '';
    const id = createHash('sha256').update(text).digest('base64');
    const known = this.#decoded.get(id);
    if (known) return known.record;
    const record = decodeRelease(secret);
    const chars = record.manifest.length + JSON.stringify(record.hooks).length + text.length;
    this.#decoded.set(id, { record, chars });
    this.#chars += chars;
    for (const [oldest, { chars: freed }] of this.#decoded) {
      if (this.#chars <= maxCachedChars || oldest === id) break;
      this.#decoded.delete(oldest);
      this.#chars -= freed;
    }
    return record;
  }
}
