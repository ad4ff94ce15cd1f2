import type { KubeObject } from '@sluice/model';
import { resources } from '@sluice/model';
import type { InformerSet } from '@sluice/reconcile';

type Service = KubeObject<{ readonly clusterIP?: string }>;

/**
 * Names of Services as pods know them, for what works in their stead: `minio`, `minio.ns`, `minio.ns.svc`,
 * `minio.ns.svc.cluster.local`. The services are those that the node agent watches too.
 */
export function clusterNames(informers: InformerSet): (namespace: string, host: string) => string | undefined {
  const services = informers.informer<Service>(resources.services);
  return (namespace, host) => {
    const [name = '', own = namespace, ...rest] = host.replace(/\.cluster\.local\.?$/, '').split('.');
    if (rest.length > 1 || (rest.length === 1 && rest[0] !== 'svc')) return undefined;
    const ip = services.get({ namespace: own, name })?.spec?.clusterIP;
    return ip === undefined || ip === '' || ip === 'None' ? undefined : ip;
  };
}
