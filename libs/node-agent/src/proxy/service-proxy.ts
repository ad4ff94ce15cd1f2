import { keyOf, keyText, resources } from '@sluice/model';
import { createInformerSet, type InformerSet, type KubeApi, labelIndex } from '@sluice/reconcile';
import type { Log, Running } from '@sluice/runtime';
import type { Service } from '../container/service-variables.ts';
import { createNodeEvents, type EventRecorder } from '../node/event-recorder.ts';
import { type EndpointSlice, type Listen, listensOf, serviceNameLabel, targetsOf } from './endpoint-table.ts';
import { type ListenResult, ServiceListener } from './service-listener.ts';

export type ServiceProxyOptions = {
  readonly kube: KubeApi;
  readonly informers?: InformerSet;
  readonly log: Log;
  readonly now?: () => number;
  /** How often a port that is taken is tried again. Default 5 s. */
  readonly retryMs?: number;
};

/** Annotation of a Service whose port could not be opened: the addresses that work instead. */
export const proxyAddressAnnotation = 'sluice.dev/proxy-address';

const sliceIndex = 'service';

/** Make every Service with a loopback cluster IP reachable at it, from pods and from the host. */
export async function startServiceProxy(options: ServiceProxyOptions): Promise<Running> {
  const { kube, log, now = Date.now } = options;
  const informers = options.informers ?? createInformerSet(kube, { log });
  const services = informers.informer<Service>(resources.services);
  const slices = informers.informer<EndpointSlice>(resources.endpointSlices);
  // The name of a Service is unique in its namespace only: the namespace is compared when the index is read.
  slices.addIndexes({ [sliceIndex]: labelIndex(serviceNameLabel) });
  const events = createNodeEvents(kube, log, now);
  const proxies = new Map<string, ServicePorts>();
  const targets = (service: Service, portName: string) => {
    const { name, namespace } = service.metadata;
    const own = slices.byIndex(sliceIndex, name).filter(({ metadata }) => metadata.namespace === namespace);
    return targetsOf(own, portName);
  };
  services.start();
  slices.start();
  await Promise.all([services.synced(), slices.synced()]);
  const unsubscribe = services.subscribe(({ type, object }) => {
    const key = keyText(keyOf(object));
    const ports =
      proxies.get(key) ?? new ServicePorts({ kube, log, events, targets, retryMs: options.retryMs ?? 5_000 });
    proxies.set(key, ports);
    void ports.set(object, type === 'deleted' ? [] : listensOf(object));
    if (type === 'deleted') proxies.delete(key);
  });
  return {
    async close() {
      unsubscribe();
      for (const ports of proxies.values()) ports.close();
      await events.close();
      if (!options.informers) await informers.close();
    },
  };
}

type ServicePortsOptions = {
  readonly kube: KubeApi;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly targets: (service: Service, portName: string) => ReturnType<typeof targetsOf>;
  readonly retryMs: number;
};

/** The listeners of one Service. Changes are applied one after the other. */
class ServicePorts {
  readonly #options: ServicePortsOptions;
  readonly #listeners = new Map<string, ServiceListener>();
  readonly #substitutes = new Map<string, string>();
  #service: Service | undefined;
  #work: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ServicePortsOptions) {
    this.#options = options;
  }

  /** Listen on exactly these addresses. */
  set(service: Service, listens: readonly Listen[]): Promise<void> {
    this.#service = service;
    this.#work = this.#work.then(() => this.#apply(service, listens));
    return this.#work;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    for (const listener of this.#listeners.values()) listener.close(true);
    this.#listeners.clear();
  }

  async #apply(service: Service, listens: readonly Listen[]): Promise<void> {
    clearTimeout(this.#retry);
    const wanted = new Map(listens.map((listen) => [`${listen.ip}:${listen.port}/${listen.portName}`, listen]));
    for (const [id, listener] of this.#listeners) {
      if (wanted.has(id)) continue;
      listener.close(false);
      this.#listeners.delete(id);
      this.#substitutes.delete(id);
    }
    let failed = false;
    for (const [id, listen] of wanted) {
      if (this.#listeners.has(id) || this.#closed) continue;
      const listener = new ServiceListener(listen, () => this.#targets(listen));
      const result = await listener.open();
      if (this.#closed) return listener.close(true);
      if (result.kind === 'listening') this.#listeners.set(id, listener);
      failed ||= result.kind === 'failed';
      this.#tell(service, id, listen, result);
    }
    await this.#annotate(service);
    if (failed) this.#retry = setTimeout(() => void this.set(this.#service ?? service, listens), this.#options.retryMs);
  }

  #targets(listen: Listen): ReturnType<typeof targetsOf> {
    return this.#service ? this.#options.targets(this.#service, listen.portName) : [];
  }

  #tell(service: Service, id: string, listen: Listen, result: ListenResult): void {
    const { events, log } = this.#options;
    const address = `${listen.ip}:${listen.port}`;
    if (result.kind === 'failed') {
      const message = `the proxy cannot listen on ${address}: ${result.message}; it tries again`;
      events.record(service, 'Warning', 'ProxyNotListening', message);
      log.warn('service proxy cannot listen', { address, code: result.code });
      return;
    }
    if (result.port === listen.port) return;
    this.#substitutes.set(id, `${listen.ip}:${result.port}`);
    const message =
      `this user may not open ${address} (ports below 1024 need privileges); ` +
      `the service answers at ${listen.ip}:${result.port} instead`;
    events.record(service, 'Warning', 'ProxyPortSubstituted', message);
  }

  /** Say in the Service where it is reached, or no longer say it. */
  async #annotate(service: Service): Promise<void> {
    const { kube, log } = this.#options;
    const wanted = this.#substitutes.size > 0 ? [...this.#substitutes.values()].join(',') : null;
    const present = service.metadata.annotations?.[proxyAddressAnnotation] ?? null;
    if (wanted === present || service.metadata.deletionTimestamp || this.#listeners.size === 0) return;
    const body = { metadata: { annotations: { [proxyAddressAnnotation]: wanted } } };
    try {
      await kube.patch(
        resources.services,
        keyOf(service),
        { type: 'merge', body },
        { signal: AbortSignal.timeout(10_000) },
      );
    } catch (error) {
      log.warn('service not annotated', { ...keyOf(service), error });
    }
  }
}
