/** Gives out loopback addresses of one network to pods: each to one at a time, a freed one as late as possible. */
export class PodAddresses {
  readonly #taken = new Set<string>();
  readonly #network: string;
  #next = 0;

  /** `network`: the first two numbers of the addresses, `127.64`. */
  constructor(network: string) {
    this.#network = network;
  }

  /** A free address. `wanted`, the one that the pod had, is given back if it is still free. */
  take(wanted?: string): string {
    if (wanted !== undefined && this.#holds(wanted) && !this.#taken.has(wanted)) {
      this.#taken.add(wanted);
      return wanted;
    }
    for (let tries = 0; tries < count; tries++) {
      const ip = this.#addressOf(this.#next);
      this.#next = (this.#next + 1) % count;
      if (this.#taken.has(ip)) continue;
      this.#taken.add(ip);
      return ip;
    }
    throw new Error(`all ${count} pod addresses are in use`);
  }

  release(ip: string): void {
    this.#taken.delete(ip);
  }

  #addressOf(index: number): string {
    return `${this.#network}.${Math.floor(index / 254)}.${(index % 254) + 1}`;
  }

  #holds(ip: string): boolean {
    return ip.startsWith(`${this.#network}.`) && /^\d+\.\d+\.\d{1,3}\.\d{1,3}$/.test(ip);
  }
}

const count = 256 * 254;
