import { type KubeObject, type ObjectKey, resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';

/** Spec of the lease as this suite reads it. */
export type LeaseObject = KubeObject<{ readonly holderIdentity?: string; readonly leaseTransitions?: number }>;

const maxOffences = 5;

/** Checks that whoever writes holds the lease as the server has it at that moment. */
export class WriteLog {
  readonly #kube: KubeApi;
  readonly #lease: ObjectKey;
  readonly #checks = new Set<Promise<void>>();
  readonly #offences: string[] = [];
  count = 0;

  constructor(kube: KubeApi, lease: ObjectKey) {
    this.#kube = kube;
    this.#lease = lease;
  }

  /** Call in the turn in which the server takes the write: the lease is read in the same. */
  note({ instance, atMs, path }: { readonly instance: string; readonly atMs: number; readonly path: string }): void {
    this.count++;
    const check = this.#kube.get<LeaseObject>(resources.leases, this.#lease).then((lease) => {
      this.#checks.delete(check);
      const holder = lease?.spec?.holderIdentity;
      if (holder === instance || this.#offences.length >= maxOffences) return;
      this.#offences.push(`${instance} wrote ${path} at ${atMs} ms while ${holder} held the lease`);
    });
    this.#checks.add(check);
  }

  async offences(): Promise<readonly string[]> {
    await Promise.all(this.#checks);
    return this.#offences;
  }
}
