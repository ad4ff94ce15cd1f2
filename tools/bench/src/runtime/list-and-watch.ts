import { Child } from './child.ts';
import type { Role, Round } from './list-client.ts';
import { compare, median, shownRatio } from './statistics.ts';

export type ListOptions = { readonly pods: number; readonly rounds: number; readonly report: (line: string) => void };

const roles: readonly Role[] = ['floor', 'sluice', 'client-node'];

/** List and watch that many pods: the floor, our informer and client-node's in turns, all from one server. */
export async function benchListAndWatch({ pods, rounds, report }: ListOptions): Promise<void> {
  const server = new Child('./list-server.ts', [String(pods)]);
  const children = new Map<Role, Child>();
  try {
    const { url, bytes } = await server.next<{ url: string; bytes: number }>();
    const results = new Map<Role, Round[]>(roles.map((role) => [role, []]));
    for (const role of roles) children.set(role, new Child('./list-client.ts', [role, url, String(pods)]));
    // Two rounds first, so that what is measured is compiled.
    for (let round = -2; round < rounds; round++) {
      const order = round % 2 === 0 ? roles : [...roles].reverse();
      for (const role of order) {
        const measured = await playRound(server, children.get(role) as Child);
        if (round >= 0) results.get(role)?.push(measured);
      }
    }
    reportAll(results, { pods, rounds, bytes, report });
  } finally {
    await Promise.all([server, ...children.values()].map((child) => child.close()));
  }
}

async function playRound(server: Child, client: Child): Promise<Round> {
  const watched = server.next();
  const listed = client.next();
  client.send('list');
  await Promise.all([watched, listed]);
  const measured = client.next<Round>();
  client.send('watch');
  server.send('burst');
  return measured;
}

function reportAll(
  results: ReadonlyMap<Role, readonly Round[]>,
  options: ListOptions & { readonly bytes: number },
): void {
  const { pods, rounds, bytes, report } = options;
  const of = (role: Role, key: keyof Round): number[] => (results.get(role) ?? []).map((round) => round[key]);
  report(`list and watch of ${pods} pods, ${(bytes / 1e6).toFixed(1)} MB, ${rounds} rounds of each in turns`);
  const kinds = [
    { name: 'list', wall: 'listMs', cpu: 'listCpuMs' },
    { name: `${pods} events`, wall: 'watchMs', cpu: 'watchCpuMs' },
  ] as const;
  for (const { name, wall, cpu } of kinds) {
    for (const [label, key] of [
      ['time', wall],
      ['CPU', cpu],
    ] as const) {
      const middles = roles.map((role) => `${role} ${Math.round(median(of(role, key)))} ms`).join(', ');
      report(`  ${name}, ${label}: ${middles}`);
      report(`    over the floor: ${shownRatio(compare(of('sluice', key), of('floor', key)))}`);
      report(`    client-node over sluice: ${shownRatio(compare(of('client-node', key), of('sluice', key)))}`);
    }
  }
  const heaps = roles.map((role) => `${role} ${(median(of(role, 'heapBytes')) / 1e6).toFixed(1)} MB`).join(', ');
  report(`  heap kept after the list: ${heaps}`);
}
