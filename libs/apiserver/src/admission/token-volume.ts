import { randomInt } from 'node:crypto';
import type { KubeObject } from '@sluice/model';
import { forbidden } from '../http/status-error.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { isRecord, type JsonRecord, listAt, recordAt, textAt, valueAt, withField } from '../objects/json.ts';

const pods = { group: '', plural: 'pods', kind: 'Pod' };
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Just over an hour, by which a cluster's own volumes are told from others. */
const tokenSeconds = 3_607;

/**
 * A new pod with its service account, and with the volume that holds a token of it unless account or pod say no. Throws 403 for an account that
 * does not exist; `default`, which comes a moment after its namespace, may be missing: the pod then gets no token.
 */
export function withServiceAccount(objects: ObjectStore, pod: KubeObject): KubeObject {
  const spec = recordAt(pod, 'spec');
  const name = textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount') || 'default';
  const account = objects.collection('serviceaccounts').get(`${pod.metadata.namespace ?? ''}/${name}`)?.object;
  const named = withField(pod, 'spec', { ...spec, serviceAccountName: name, serviceAccount: name });
  if (!account) {
    if (name === 'default') return named;
    const path = `${pod.metadata.namespace ?? ''}/${name}`;
    throw forbidden(
      pods,
      pod.metadata.name,
      `error looking up service account ${path}: serviceaccount "${name}" not found`,
    );
  }
  const secrets = listAt(spec, 'imagePullSecrets').length > 0 ? [] : listAt(account, 'imagePullSecrets');
  const pulling =
    secrets.length > 0 ? withField(named, 'spec', { ...recordAt(named, 'spec'), imagePullSecrets: secrets }) : named;
  const wanted = valueAt(spec, 'automountServiceAccountToken') ?? valueAt(account, 'automountServiceAccountToken');
  return wanted === false ? pulling : withToken(pulling);
}

/** How long a pod waits for the account of a namespace that is just being made. */
const accountWaitMs = 2_000;
const newNamespaceMs = 10_000;

/**
 * Resolves once the account `default` of a new namespace is there, or after two seconds. Not waited for: in older namespaces, and where no
 * controller makes accounts.
 */
export async function defaultAccount(objects: ObjectStore, namespace: string, now: number): Promise<void> {
  const accounts = objects.collection('serviceaccounts');
  const key = `${namespace}/default`;
  if (accounts.size === 0 || accounts.get(key)) return;
  const created = objects.collection('namespaces').get(namespace)?.object.metadata.creationTimestamp;
  if (created === undefined || now - Date.parse(created) > newNamespaceMs) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, accountWaitMs).unref();
  const stop = accounts.listen(({ entry }) => entry.key === key && resolve());
  await promise;
  clearTimeout(timer);
  stop();
}

function withToken(pod: KubeObject): KubeObject {
  const spec = recordAt(pod, 'spec');
  const lists = ['initContainers', 'containers'] as const;
  const needs = lists.some((list) => listAt(spec, list).some((container) => !hasMount(container)));
  if (!needs) return pod;
  const letters = Array.from({ length: 5 }, () => nameLetters[randomInt(nameLetters.length)]).join('');
  const volume = `kube-api-access-${letters}`;
  const mounted = lists.flatMap((list) => {
    const containers = listAt(spec, list);
    return containers.length === 0 ? [] : [[list, containers.map((one) => withMount(one, volume))] as const];
  });
  const volumes = [...listAt(spec, 'volumes'), { name: volume, projected: projectionOfToken }];
  return withField(pod, 'spec', { ...spec, ...Object.fromEntries(mounted), volumes });
}

const nameLetters = 'bcdfghjklmnpqrstvwxz2456789';

const projectionOfToken: JsonRecord = {
  defaultMode: 0o644,
  sources: [
    { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: {
        items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
      },
    },
  ],
};

function hasMount(container: unknown): boolean {
  return listAt(container, 'volumeMounts').some((mount) => textAt(mount, 'mountPath') === mountPath);
}

function withMount(container: unknown, name: string): unknown {
  if (!isRecord(container) || hasMount(container)) return container;
  const mount = { name, readOnly: true, mountPath };
  return { ...container, volumeMounts: [...listAt(container, 'volumeMounts'), mount] };
}
