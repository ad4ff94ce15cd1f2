import { type KindInfo, groupVersionOf } from '../kinds/kind.ts';

/** The served versions of a group, the preferred one first. */
export type GroupListing = { readonly group: string; readonly versions: readonly string[] };

/** All kinds that are served at this moment: the built-in ones and those of accepted CustomResourceDefinitions. */
export class KindRegistry {
  readonly #builtin: readonly KindInfo[];
  readonly #custom = new Map<string, readonly KindInfo[]>();
  #byPath = new Map<string, KindInfo>();
  #byStorage = new Map<string, KindInfo[]>();
  #all: readonly KindInfo[] = [];
  #revision = 0;

  constructor(builtin: readonly KindInfo[]) {
    this.#builtin = builtin;
    this.#index();
  }

  /** Grows with every change: whatever is derived from the kinds may be cached under it. */
  get revision(): number {
    return this.#revision;
  }

  get all(): readonly KindInfo[] {
    return this.#all;
  }

  /** The kind behind a path. */
  find(group: string, version: string, plural: string): KindInfo | undefined {
    return this.#byPath.get(pathOf(group, version, plural));
  }

  /** The kind of an object. */
  findKind(apiVersion: string, kind: string): KindInfo | undefined {
    return this.#all.find((info) => info.kind === kind && groupVersionOf(info) === apiVersion);
  }

  /** Every served version of what is stored under an id. */
  versionsOf(storage: string): readonly KindInfo[] {
    return this.#byStorage.get(storage) ?? [];
  }

  /** The version that objects of this kind are stored in. */
  stored(kind: KindInfo): KindInfo {
    if (isGroupEvent(kind)) return this.find('', 'v1', 'events') ?? kind;
    if (!kind.custom) return this.versionsOf(storageId(kind))[0] ?? kind;
    return this.find(kind.group, kind.storageVersion, kind.plural) ?? { ...kind, version: kind.storageVersion };
  }

  /** Serve the kinds of a CustomResourceDefinition, in place of what it served before. */
  setCustom(definition: string, kinds: readonly KindInfo[]): void {
    this.#custom.set(definition, kinds);
    this.#index();
  }

  removeCustom(definition: string): void {
    if (this.#custom.delete(definition)) this.#index();
  }

  /** Groups with their versions, core first, then in the order of registration. */
  groups(): readonly GroupListing[] {
    const groups = new Map<string, Set<string>>();
    for (const { group, version } of this.#all) {
      const versions = groups.get(group) ?? new Set();
      groups.set(group, versions.add(version));
    }
    return [...groups].map(([group, versions]) => ({ group, versions: [...versions].sort(byPreference) }));
  }

  inGroupVersion(group: string, version: string): readonly KindInfo[] {
    return this.#all.filter((kind) => kind.group === group && kind.version === version);
  }

  #index(): void {
    this.#revision++;
    this.#all = [...this.#builtin, ...[...this.#custom.values()].flat()];
    this.#byPath = new Map(this.#all.map((kind) => [pathOf(kind.group, kind.version, kind.plural), kind]));
    this.#byStorage = Map.groupBy(this.#all, storageId);
  }
}

/** Under which id the objects of a kind are stored. Events of both groups are the same objects. */
export function storageId(kind: { readonly group: string; readonly plural: string }): string {
  if (isGroupEvent(kind)) return 'events';
  return kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
}

/** True for events.k8s.io, whose objects are core events in another dress. */
export function isGroupEvent(kind: { readonly group: string; readonly plural: string }): boolean {
  return kind.group === 'events.k8s.io' && kind.plural === 'events';
}

function pathOf(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}

/** Kubernetes' order of versions: v2, v1, v1beta2, v1alpha1, then other names by the alphabet. */
export function byPreference(a: string, b: string): number {
  const [left, right] = [versionRank(a), versionRank(b)];
  for (let index = 0; index < 3; index++) {
    const difference = (right[index] ?? 0) - (left[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function versionRank(version: string): readonly number[] {
  const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(version);
  if (!match) return [0, 0, 0];
  const stage = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return [stage, Number(match[1]), Number(match[3] ?? 0)];
}
