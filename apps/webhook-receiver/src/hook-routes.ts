import {
  type ForgeType,
  type KubeObject,
  keyOf,
  keyText,
  type ObjectKey,
  type Repository,
  resources,
} from '@sluice/model';
import { createInformer, type Informer, type KubeApi } from '@sluice/reconcile';

/** Where a webhook belongs: its repository and the secrets that may sign it. */
export type HookRoute = {
  readonly repository: { readonly namespace: string; readonly name: string };
  readonly forge: ForgeType;
  /** Empty while the secret is missing or has no usable key. */
  readonly secrets: readonly string[];
};

/** Looks routes up in caches: no request leaves the process for an unverified delivery. */
export type HookRoutes = {
  find(route: string): HookRoute | 'ambiguous' | undefined;
  /** True once every repository that is there can be found. */
  ready(): boolean;
  start(): void;
  synced(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

type SecretObject = KubeObject & { readonly data?: Readonly<Record<string, string>> };

const shortestSecret = 8;

/**
 * Follows Repositories, and for each the one Secret that its webhook names (by name, so that no other Secret of the
 * namespace is read or kept).
 */
export function createHookRoutes(
  kube: KubeApi,
  options: { readonly namespace?: string; readonly onError: (error: unknown) => void },
): HookRoutes {
  const { onError, namespace } = options;
  const repositories = createInformer<Repository>(kube, {
    resource: resources.repositories,
    ...(namespace === undefined ? {} : { namespace }),
    indexes: { route: ({ spec }) => (spec?.webhook.route ? [spec.webhook.route] : []) },
    onError,
  });
  const secrets = createSecretWatches(kube, onError);
  const unsubscribe = repositories.subscribe(({ type, object }) => {
    const key = keyText(keyOf(object));
    if (type === 'deleted') secrets.release(key);
    else secrets.follow(key, secretKeyOf(object));
  });
  return {
    find(route) {
      const found = repositories.byIndex('route', route);
      const [repository] = found;
      if (!repository?.spec) return undefined;
      if (found.length > 1) return 'ambiguous';
      const { namespace: home = 'default', name } = repository.metadata;
      return {
        repository: { namespace: home, name },
        forge: repository.spec.forge.type,
        secrets: liveSecrets(secrets.get(secretKeyOf(repository))),
      };
    },
    ready: () => repositories.hasSynced() && secrets.synced(),
    start: () => repositories.start(),
    synced: (signal) => repositories.synced(signal),
    async close() {
      unsubscribe();
      await repositories.close();
      await secrets.close();
    },
  };
}

function secretKeyOf({ metadata, spec }: Repository): ObjectKey {
  return { namespace: metadata.namespace ?? 'default', name: spec?.webhook.secretRef.name ?? '' };
}

/** Keys `secret` and, while it is rotated, `previous`. A short or empty value never verifies anything. */
function liveSecrets(secret: SecretObject | undefined): string[] {
  return ['secret', 'previous']
    .map((name) => Buffer.from(secret?.data?.[name] ?? '', 'base64').toString('utf8'))
    .filter((value) => value.length >= shortestSecret);
}

type SecretWatches = {
  follow(owner: string, secret: ObjectKey): void;
  release(owner: string): void;
  get(secret: ObjectKey): SecretObject | undefined;
  synced(): boolean;
  close(): Promise<void>;
};

/** One watch a Secret, shared by the repositories that name it. */
function createSecretWatches(kube: KubeApi, onError: (error: unknown) => void): SecretWatches {
  const watches = new Map<string, { readonly informer: Informer<SecretObject>; readonly owners: Set<string> }>();
  const followed = new Map<string, string>();
  const release = (owner: string): void => {
    const key = followed.get(owner);
    followed.delete(owner);
    const watch = key === undefined ? undefined : watches.get(key);
    if (key === undefined || !watch) return;
    watch.owners.delete(owner);
    if (watch.owners.size > 0) return;
    watches.delete(key);
    watch.informer.close().catch(onError);
  };
  return {
    release,
    follow(owner, secret) {
      const key = keyText(secret);
      if (followed.get(owner) === key) return;
      release(owner);
      followed.set(owner, key);
      let watch = watches.get(key);
      if (!watch) {
        const informer = createInformer<SecretObject>(kube, {
          resource: resources.secrets,
          namespace: secret.namespace ?? 'default',
          fieldSelector: `metadata.name=${secret.name}`,
          onError,
        });
        informer.start();
        watch = { informer, owners: new Set() };
        watches.set(key, watch);
      }
      watch.owners.add(owner);
    },
    get: (secret) => watches.get(keyText(secret))?.informer.get(secret),
    synced: () => [...watches.values()].every(({ informer }) => informer.hasSynced()),
    async close() {
      await Promise.all([...watches.values()].map(({ informer }) => informer.close()));
    },
  };
}
