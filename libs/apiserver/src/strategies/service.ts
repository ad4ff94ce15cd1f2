import type { KubeObject } from '@sluice/model';
import { invalid, StatusError } from '../http/status-error.ts';
import type { Collection } from '../objects/collection.ts';
import { listAt, recordAt, textAt, withField } from '../objects/json.ts';
import type { Strategy } from '../rest/api.ts';

/** ClusterIPs come from a /16 of loopback addresses, which need no root to listen on; `127.96` unless told otherwise. */
export const defaultServiceNetwork = '127.96';

const resource = { group: '', plural: 'services', kind: 'Service' };

/** Hands out ClusterIPs: an address belongs to one service at a time, across restarts because services store theirs. */
export class ServiceAddresses {
  readonly #taken = new Set<string>();
  readonly #network: string;
  #next = 2;

  /** `network`: the first two numbers of the addresses. */
  constructor(services: Collection, network: string) {
    this.#network = network;
    this.#taken.add(`${network}.0.0`);
    for (const { object } of services.list('')) this.#taken.add(textAt(object, 'spec', 'clusterIP'));
    services.listen(({ type, entry, previous }) => {
      const address = textAt(entry.object, 'spec', 'clusterIP');
      const before = textAt(previous?.object, 'spec', 'clusterIP');
      if (before !== '' && (type === 'DELETED' || before !== address)) this.#taken.delete(before);
    });
  }

  /** Any free address. */
  take(): string {
    for (let tries = 0; tries < 65_534; tries++) {
      const address = `${this.#network}.${this.#next >> 8}.${this.#next & 255}`;
      this.#next = this.#next >= 65_534 ? 2 : this.#next + 1;
      if (!this.#taken.has(address)) return this.#mark(address);
    }
    throw new StatusError(
      500,
      'InternalError',
      'Internal error occurred: failed to allocate a serviceIP: range is full',
    );
  }

  /** This address, when it is in range and free. */
  reserve(address: string, name: string): string {
    if (!this.#holds(address))
      throw refuse(
        name,
        address,
        `failed to allocate IP ${address}: the provided IP (${address}) is not in the valid range. The range of valid IPs is ${this.#network}.0.0/16`,
      );
    if (this.#taken.has(address))
      throw refuse(name, address, `failed to allocate IP ${address}: provided IP is already allocated`);
    return this.#mark(address);
  }

  release(address: string): void {
    this.#taken.delete(address);
  }

  #holds(address: string): boolean {
    const [, third, fourth] = /^\d+\.\d+\.(\d{1,3})\.(\d{1,3})$/.exec(address) ?? [];
    return address.startsWith(`${this.#network}.`) && Number(third) < 256 && Number(fourth) < 256;
  }

  #mark(address: string): string {
    this.#taken.add(address);
    return address;
  }
}

function refuse(name: string, address: string, why: string): StatusError {
  const message = `Invalid value: ["${address}"]: ${why}`;
  return invalid(resource, name, [{ reason: 'FieldValueInvalid', message, field: 'spec.clusterIPs' }]);
}

/** Services get an address that never changes; node ports are accepted and ignored. */
export function serviceStrategy(addresses: ServiceAddresses): Strategy {
  return {
    prepareCreate: (service) => withAddress(service, addresses),
    prepareUpdate: (service, old) => keepAddress(service, old, addresses),
    abandon: (service) => {
      const address = textAt(service, 'spec', 'clusterIP');
      if (address !== '' && address !== 'None') addresses.release(address);
    },
  };
}

function withAddress(service: KubeObject, addresses: ServiceAddresses): KubeObject {
  const spec = recordAt(service, 'spec');
  const asked = textAt(spec, 'clusterIP') || firstAddress(spec);
  if (textAt(spec, 'type') === 'ExternalName') return service;
  if (asked === 'None') return withSpec(service, { clusterIP: 'None', clusterIPs: ['None'], ...families(spec) });
  const clusterIP = asked === '' ? addresses.take() : addresses.reserve(asked, service.metadata.name);
  return withSpec(service, { clusterIP, clusterIPs: [clusterIP], ...families(spec) });
}

function families(spec: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ipFamilies: spec['ipFamilies'] ?? ['IPv4'], ipFamilyPolicy: spec['ipFamilyPolicy'] ?? 'SingleStack' };
}

function firstAddress(spec: Readonly<Record<string, unknown>>): string {
  const [first] = listAt(spec, 'clusterIPs');
  return typeof first === 'string' ? first : '';
}

function withSpec(service: KubeObject, change: Record<string, unknown>): KubeObject {
  return withField(service, 'spec', { ...recordAt(service, 'spec'), ...change });
}

/** An update that does not mention the address keeps it; one that comes from ExternalName gets one. */
function keepAddress(service: KubeObject, old: KubeObject, addresses: ServiceAddresses): KubeObject {
  const before = recordAt(old, 'spec');
  const spec = recordAt(service, 'spec');
  if (textAt(spec, 'type') === 'ExternalName') {
    return withSpec(service, {
      clusterIP: undefined,
      clusterIPs: undefined,
      ipFamilies: undefined,
      ipFamilyPolicy: undefined,
    });
  }
  if (textAt(before, 'clusterIP') === '') return withAddress(service, addresses);
  const clusterIP = textAt(spec, 'clusterIP') || textAt(before, 'clusterIP');
  return withSpec(service, { clusterIP, clusterIPs: [clusterIP], ...families({ ...before, ...spec }) });
}
