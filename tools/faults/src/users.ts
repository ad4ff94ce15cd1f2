import { type KubeObject, keyOf, resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import { cards, type Fleet, fleets, memberLabel } from './fleet.ts';
import type { Random } from './random.ts';

const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const maxProblems = 5;
const namespace = 'default';

/** What users do: create, change and delete objects, and delete children behind the controllers' backs. */
export async function changeSomething(users: KubeApi, random: Random): Promise<void> {
  const resource = random.chance(0.6) ? fleets : cards;
  const key = { namespace, name: random.pick(names) };
  const spec = { size: random.between(0, 4), text: `text ${random.between(0, 1_000_000)}` };
  const what = random.next();
  if (what < 0.15) return users.delete(resource, key);
  if (what < 0.3) {
    const { items } = await users.list(resources.configMaps, { namespace });
    const owned = items.filter((item) => item.metadata.ownerReferences !== undefined);
    if (owned.length > 0) return users.delete(resources.configMaps, keyOf(random.pick(owned)));
  }
  const object = { apiVersion: 'faults.sluice.dev/v1', kind: resource.kind, metadata: key, spec };
  // An object that is being deleted cannot be changed into life: that is not what is tested here.
  await users.apply(resource, object, { fieldManager: 'users' }).catch(() => undefined);
}

/** What a cluster's garbage collector does: remove what belongs to objects that are no more. */
export async function collectGarbage(users: KubeApi): Promise<void> {
  const owners = new Set<string | undefined>();
  for (const resource of [fleets, cards]) {
    for (const { metadata } of (await users.list(resource)).items) owners.add(metadata.uid);
  }
  for (const map of (await users.list(resources.configMaps, { namespace })).items) {
    const [owner] = map.metadata.ownerReferences ?? [];
    if (owner && !owners.has(owner.uid)) await users.delete(resources.configMaps, keyOf(map));
  }
}

type MemberMap = KubeObject & { readonly data?: { readonly text?: string } };

/** What is not as the objects say. */
export async function unconverged(users: KubeApi): Promise<string[]> {
  const [maps, fleetItems, cardItems] = await Promise.all([
    users.list<MemberMap>(resources.configMaps, { namespace }),
    users.list<Fleet>(fleets),
    users.list<Fleet>(cards),
  ]);
  const alive = new Set(fleetItems.items.map(({ metadata }) => metadata.name));
  const outlived = maps.items.flatMap(({ metadata }) => {
    const fleet = metadata.labels?.[memberLabel];
    return fleet !== undefined && !alive.has(fleet) ? [`${metadata.name} outlived its fleet`] : [];
  });
  const problems = [
    ...fleetItems.items.flatMap((fleet) => fleetProblems(fleet, maps.items)),
    ...cardItems.items.flatMap((card) => cardProblems(card, maps.items)),
    ...outlived,
  ];
  return problems.slice(0, maxProblems);
}

function fleetProblems({ metadata, spec, status }: Fleet, maps: readonly MemberMap[]): string[] {
  const { name, uid, deletionTimestamp } = metadata;
  const members = maps.filter((map) => map.metadata.labels?.[memberLabel] === name);
  const problems: string[] = [];
  if (deletionTimestamp) problems.push(`fleet ${name} is not gone`);
  else if (members.length !== spec?.size) problems.push(`fleet ${name}: ${members.length} members, not ${spec?.size}`);
  if (members.some((member) => member.metadata.ownerReferences?.[0]?.uid !== uid)) {
    problems.push(`fleet ${name}: members of another`);
  }
  if (status?.ready !== spec?.size) problems.push(`fleet ${name}: status says ${status?.ready}`);
  return problems;
}

function cardProblems({ metadata: { name }, spec }: Fleet, maps: readonly MemberMap[]): string[] {
  const map = maps.find((candidate) => candidate.metadata.name === `${name}-card`);
  return map?.data?.text === spec?.text ? [] : [`card ${name} shows ${map?.data?.text}, not ${spec?.text}`];
}
