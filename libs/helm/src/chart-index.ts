import type { JsonObject } from '@sluice/model';
import { parse } from 'yaml';

/** What an index says about one version of a chart. */
export type IndexEntry = {
  readonly name: string;
  readonly version: string;
  readonly urls: readonly string[];
  /** Hex sha256 of the archive, without a prefix. */
  readonly digest?: string;
};

/** What was fetched is not an index of a chart repository. */
export class BadIndex extends Error {
  override readonly name = 'BadIndex';
}

/** An index cut into charts. Only the chart that is asked for is parsed, because an index may have tens of thousands of entries. */
export type ChartIndex = {
  /** Names of the charts. */
  readonly names: readonly string[];
  /** Entries of a chart; undefined when the index does not have it. Entries that make no sense are left out. */
  entries(chart: string): readonly IndexEntry[] | undefined;
};

/** Cut the text of an index.yaml (or index in JSON) into charts. Throws {@link BadIndex}. */
export function sliceIndex(text: string): ChartIndex {
  const json = /^\s*\{/.test(text);
  const blocks = json ? fromJson(text) : fromYaml(text);
  return {
    names: [...blocks.keys()],
    entries: (chart) => {
      const block = blocks.get(chart);
      return block && block().flatMap(toEntry);
    },
  };
}

type Blocks = ReadonlyMap<string, () => readonly unknown[]>;

function fromJson(text: string): Blocks {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    throw new BadIndex('it begins like JSON and is none');
  }
  const entries = (root as JsonObject)['entries'];
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries))
    throw new BadIndex('it has no entries');
  return new Map(Object.entries(entries).map(([name, list]) => [name, () => (Array.isArray(list) ? list : [])]));
}

/** Charts are the keys at the first level of indentation below `entries:`. */
function fromYaml(text: string): Blocks {
  const start = /^entries:[ \t]*(\{\}|null)?[ \t]*(?:#.*)?$/m.exec(text);
  if (!start || !/^apiVersion:/m.test(text)) throw new BadIndex('it has no apiVersion or no entries');
  const blocks = new Map<string, () => readonly unknown[]>();
  if (start[1]) return blocks;
  const keyLine =
    /^( +)(?:"([^"]+)"|'([^']+)'|([^\s#'"&*!|>%@`[\]{}-][^:\n]*|-[^\s:][^:\n]*)):[ \t]*(?:#.*|\[\])?$|^(?=[^\s#-])/gm;
  keyLine.lastIndex = start.index + start[0].length;
  let open: { readonly name: string; readonly from: number } | undefined;
  let indent: string | undefined;
  const finish = (to: number): void => {
    if (!open) return;
    const { name, from } = open;
    blocks.set(name, () => parseBlock(text.slice(from, to), name));
  };
  for (let found = keyLine.exec(text); found; found = keyLine.exec(text)) {
    if (found[0] === '') {
      finish(found.index);
      return blocks;
    }
    indent ??= found[1];
    if (found[1] !== indent) continue;
    finish(found.index);
    open = { name: found[2] ?? found[3] ?? found[4] ?? '', from: found.index };
  }
  finish(text.length);
  return blocks;
}

function parseBlock(block: string, name: string): readonly unknown[] {
  try {
    const value = parse(block, { maxAliasCount: 100 }) as Record<string, unknown> | null;
    const list = value?.[name];
    return Array.isArray(list) ? list : [];
  } catch (error) {
    throw new BadIndex(
      `chart ${name}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
    );
  }
}

function toEntry(value: unknown): readonly IndexEntry[] {
  const { name, version, urls, digest } = (value ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || (typeof version !== 'string' && typeof version !== 'number')) return [];
  if (!Array.isArray(urls) || urls.length === 0 || !urls.every((url) => typeof url === 'string')) return [];
  const hex = typeof digest === 'string' ? digest.replace(/^sha256:/, '') : '';
  return [{ name, version: String(version), urls, ...(/^[0-9a-f]{64}$/.test(hex) ? { digest: hex } : {}) }];
}
