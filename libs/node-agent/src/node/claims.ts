import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type KubeObject, type ObjectKey, resources } from '@sluice/model';
import type { Informer, KubeApi } from '@sluice/reconcile';
import type { Log } from '@sluice/runtime';
import { ConfigError } from '../container/downward.ts';

/** A PersistentVolumeClaim as the agent reads it. */
export type Claim = KubeObject<{ readonly volumeName?: string }, { readonly phase?: string }>;

type PersistentVolume = KubeObject<{
  readonly persistentVolumeReclaimPolicy?: string;
  readonly claimRef?: { readonly uid?: string };
}>;

/** The directories behind claims: `volumes/<uid of the claim>`. */
export class ClaimDirectories {
  readonly #directory: string;
  readonly #claims: Informer<Claim>;
  readonly #kube: KubeApi;
  readonly #log: Log;

  constructor(directory: string, claims: Informer<Claim>, kube: KubeApi, log: Log) {
    this.#directory = directory;
    this.#claims = claims;
    this.#kube = kube;
    this.#log = log;
    mkdirSync(directory, { recursive: true });
  }

  /** The directory of a bound claim, made on first use. Throws {@link ConfigError} while it is not bound. */
  async pathOf(key: ObjectKey): Promise<string> {
    const claim = this.#claims.get(key) ?? (await this.#kube.get<Claim>(resources.persistentVolumeClaims, key));
    if (!claim) throw new ConfigError(`persistentvolumeclaim "${key.name}" not found`);
    if (claim.status?.phase !== 'Bound') throw new ConfigError(`persistentvolumeclaim "${key.name}" is not bound yet`);
    const path = join(this.#directory, claim.metadata.uid ?? '');
    if (existsSync(path)) return path;
    mkdirSync(path, { recursive: true });
    // Whoever the container runs as writes here.
    chmodSync(path, 0o777);
    return path;
  }

  /** A claim was deleted: remove its files unless its volume is to be retained. */
  async remove(claim: Claim): Promise<void> {
    const path = join(this.#directory, claim.metadata.uid ?? 'none');
    if (!claim.metadata.uid || !existsSync(path)) return;
    const name = claim.spec?.volumeName;
    const volume = name ? await this.#kube.get<PersistentVolume>(resources.persistentVolumes, { name }) : undefined;
    if (volume?.spec?.persistentVolumeReclaimPolicy === 'Retain') return;
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
    this.#log.debug('volume removed', { claim: claim.metadata.name, namespace: claim.metadata.namespace });
  }

  /** Remove directories whose claim is gone since the last start. */
  async sweep(): Promise<void> {
    const known = new Set(this.#claims.list().map(({ metadata }) => metadata.uid));
    const { items } = await this.#kube.list<PersistentVolume>(resources.persistentVolumes);
    for (const { spec } of items) if (spec?.persistentVolumeReclaimPolicy === 'Retain') known.add(spec.claimRef?.uid);
    for (const name of await readdir(this.#directory)) {
      if (!known.has(name)) await rm(join(this.#directory, name), { recursive: true, force: true });
    }
  }
}
