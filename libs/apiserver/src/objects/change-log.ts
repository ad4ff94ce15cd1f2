import type { Store, StoreOperation } from '@sluice/store';
import { type Change, type Entry, type FieldSets, parseEntry } from './entry.ts';

const prefix = 'c/';
const prefixEnd = 'c0';

/** How much of the history is on disk. */
export type LogLimits = { readonly changes: number; readonly characters: number };

/** Enough for clients to go on after a restart. */
export const defaultLog: LogLimits = { changes: 4_000, characters: 8_000_000 };

/** What a record says beside the object before the change; its line is followed by that object and, after a deletion, the last one. */
type Header = { readonly type: Change['type']; readonly id: string; readonly key: string };

type Record = Header & {
  readonly version: number;
  readonly before: string | undefined;
  readonly last: string | undefined;
};

/** A change with the collection that it belongs to. */
export type LoggedChange = { readonly id: string; readonly change: Change };

/**
 * The latest changes on disk, so that watches outlive the server. Each commit adds a record and takes out the oldest ones; a record
 * holds what was before, because what came after is the next record of the object or the object itself.
 */
export class ChangeLog {
  readonly #limits: LogLimits;
  #records: { readonly version: number; readonly size: number }[] = [];
  #characters = 0;
  /** Records with a gap behind them: the next commit takes them out. */
  #stale: readonly number[] = [];

  constructor(limits: LogLimits = defaultLog) {
    this.#limits = limits;
  }

  /** Operations that belong into the commit of a change, and what to call once it has succeeded or failed. */
  add(id: string, { type, entry, previous }: Change) {
    const header: Header = { type, id, key: entry.key };
    const lines = [JSON.stringify(header), previous?.text ?? '', ...(type === 'DELETED' ? [entry.text] : [])];
    const text = lines.join('\n');
    const forgotten = this.#forget(text.length);
    const stale = this.#stale;
    this.#stale = [];
    const operations: StoreOperation[] = [
      { type: 'put', key: keyOf(entry.version), value: Buffer.from(text) },
      ...[...stale, ...forgotten.map(({ version }) => version)].map((version): StoreOperation => ({
        type: 'delete',
        key: keyOf(version),
      })),
    ];
    return {
      operations,
      committed: () => this.#remember(entry.version, text.length),
      failed: () => {
        this.#stale = [...this.#stale, ...stale];
        this.#records = [...forgotten, ...this.#records];
        this.#characters += forgotten.reduce((sum, { size }) => sum + size, 0);
      },
    };
  }

  /**
   * The changes on disk, oldest first; none when the newest is not of `version`, as after a program wrote that keeps no log.
   * `current` gives the present state of an object.
   */
  load(
    store: Store,
    version: number,
    current: (id: string, key: string) => Entry | undefined,
    fieldSets: FieldSets,
  ): readonly LoggedChange[] {
    const decoder = new TextDecoder();
    const records: Record[] = [];
    for (const [path, bytes] of store.range({ gte: prefix, lt: prefixEnd })) {
      const text = decoder.decode(bytes);
      this.#remember(Number(path.slice(prefix.length)), text.length);
      records.push(parseRecord(Number(path.slice(prefix.length)), text));
    }
    if (records.at(-1)?.version !== version) {
      this.#stale = this.#records.splice(0).map((record) => record.version);
      this.#characters = 0;
      return [];
    }
    const after = new Map<string, Entry | undefined>();
    const changes: LoggedChange[] = [];
    for (const { id, key, type, version: at, before, last } of records.toReversed()) {
      const path = `${id}/${key}`;
      const known = after.has(path) ? after.get(path) : current(id, key);
      const entry = last === undefined ? known : { ...parseEntry(key, last, fieldSets), version: at };
      const previous = before === undefined ? undefined : parseEntry(key, before, fieldSets);
      if (!entry) return changes.toReversed();
      after.set(path, previous);
      changes.push({ id, change: { type, entry, previous } });
    }
    return changes.toReversed();
  }

  #remember(version: number, size: number): void {
    this.#records.push({ version, size });
    this.#characters += size;
  }

  #forget(added: number): readonly { readonly version: number; readonly size: number }[] {
    let count = 0;
    let size = 0;
    for (const record of this.#records) {
      const fits =
        this.#records.length - count < this.#limits.changes &&
        this.#characters - size + added <= this.#limits.characters;
      if (fits || count === 16) break;
      count++;
      size += record.size;
    }
    this.#characters -= size;
    return count === 0 ? [] : this.#records.splice(0, count);
  }
}

/** Versions in an order that texts have too. */
function keyOf(version: number): string {
  return `${prefix}${String(version).padStart(16, '0')}`;
}

function parseRecord(version: number, text: string): Record {
  const [header = '{}', before = '', last] = text.split('\n');
  const { type, id, key } = JSON.parse(header) as Header;
  return { type, id, key, version, before: before === '' ? undefined : before, last };
}
