import { nearest } from '@sluice/model';
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { formatDuration, parseDuration } from './duration.ts';
import type { Shape, TextRule } from './shape.ts';
import { limits, type FileProblems, type YamlDocument } from './source-text.ts';

/** A value read by its shape, and where each of its parts stands: dotted path → offset in the file. */
export type ShapedValue = { readonly value: unknown; readonly offsets: ReadonlyMap<string, number> };

type MapShape = Extract<Shape, { type: 'map' }>;
type Place = { readonly path: string; readonly depth: number };
/** Where a problem with a node that has no place of its own is reported. */
type Spot = Place & { readonly offset: number };

const absent = Symbol('absent');
const yaml11Booleans = new Set(['yes', 'no', 'on', 'off', 'y', 'n']);

/** Read a document by a shape. Everything wrong with it goes to `problems`; parts that are wrong are left out of the value. */
export function checkShape(document: YamlDocument, shape: Shape, problems: FileProblems): ShapedValue {
  const reader = new ShapeReader(document, problems);
  const value = reader.read(document.contents, shape, { path: '', depth: 0, offset: document.range[0] });
  return { value: value === absent ? undefined : value, offsets: reader.offsets };
}

class ShapeReader {
  readonly offsets = new Map<string, number>();
  readonly #document: YamlDocument;
  readonly #problems: FileProblems;
  #nodes = 0;
  #aliases = 0;

  constructor(document: YamlDocument, problems: FileProblems) {
    this.#document = document;
    this.#problems = problems;
  }

  read(given: Node | null, shape: Shape, spot: Spot): unknown {
    const offset = given?.range?.[0] ?? spot.offset;
    const here = { ...spot, offset };
    const node = this.#resolve(given, here);
    if (node === absent) return absent;
    this.offsets.set(spot.path, offset);
    switch (shape.type) {
      case 'map':
        return this.#map(node, shape, here);
      case 'list':
        return this.#list(node, shape, here);
      case 'dictionary':
        return this.#dictionary(node, shape, here);
      case 'text':
        return this.#text(node, shape, here);
      case 'scalar':
        return this.#scalar(node, shape, here);
      case 'integer':
        return this.#integer(node, shape, here);
      case 'duration':
        return this.#duration(node, shape, here);
      case 'json':
        return this.#json(node, here);
      default:
        return unreachable(shape);
    }
  }

  /** The node itself or what an alias stands for, within the budgets. */
  #resolve(node: Node | null, spot: Spot): Node | null | typeof absent {
    if (++this.#nodes > limits.nodes) {
      if (this.#nodes === limits.nodes + 1)
        this.#add(spot, 'TooManyValues', `the document holds more than ${limits.nodes} values`);
      return absent;
    }
    if (spot.depth > limits.depth) {
      this.#add(spot, 'TooDeep', `values are nested more than ${limits.depth} deep`);
      return absent;
    }
    if (!isAlias(node)) return node;
    if (++this.#aliases > limits.aliases) {
      if (this.#aliases === limits.aliases + 1)
        this.#add(spot, 'TooManyAliases', `more than ${limits.aliases} aliases are used`, 'write the values out');
      return absent;
    }
    const target = node.resolve(this.#document);
    if (target) return target;
    this.#add(
      spot,
      'UnknownAlias',
      `no anchor is named "${node.source}"`,
      `put &${node.source} before the value that is meant`,
    );
    return absent;
  }

  #map(node: Node | null, shape: MapShape, spot: Spot): unknown {
    if (isEmpty(node) && shape.mayBeEmpty) return {};
    if (!isMap(node)) return this.#wrongType(node, 'a map of fields', spot);
    const value: Record<string, unknown> = {};
    const seen = new Set<string>();
    for (const [key, pair, at] of this.#pairs(node, spot)) {
      seen.add(key);
      const field = shape.fields[key];
      const place = inside(spot, key, at);
      if (!field) this.#unknownField(key, shape, place);
      else set(value, key, this.read(pair, field.shape, place));
    }
    this.#missingFields(seen, shape, spot);
    return value;
  }

  #unknownField(key: string, shape: MapShape, place: Spot): void {
    const words = shape.notYet?.[key];
    if (words) return this.#add(place, 'NotSupported', `"${key}" ${words}`, 'remove the field');
    const known = Object.keys(shape.fields);
    const near = nearest(key, known);
    const choices = `the fields here are ${known.join(', ')}`;
    const merge =
      key === '<<' ? 'merge keys are YAML 1.1; repeat the fields or use an alias for a whole value' : undefined;
    this.#add(
      place,
      'UnknownField',
      `there is no field "${key}"`,
      merge ?? (near ? `did you mean "${near}"?` : choices),
    );
  }

  #missingFields(seen: ReadonlySet<string>, shape: MapShape, spot: Spot): void {
    for (const [key, field] of Object.entries(shape.fields)) {
      if (field.required && !seen.has(key))
        this.#add(spot, 'MissingField', `the field "${key}" is missing`, `add ${key}:`);
    }
    if (!shape.exactlyOne) return;
    const found = shape.exactlyOne.filter((key) => seen.has(key));
    const choices = shape.exactlyOne.join(' or ');
    if (found.length === 0)
      this.#add(spot, 'MissingField', `one of the fields ${choices} is missing`, `add ${choices}`);
    if (found.length > 1)
      this.#add(spot, 'FieldConflict', `${found.join(' and ')} cannot stand together`, `keep ${choices}`);
  }

  #list(node: Node | null, shape: Extract<Shape, { type: 'list' }>, spot: Spot): unknown {
    if (!isSeq(node)) {
      const fix = isScalar(node) && !isEmpty(node) ? `write [${sourceOf(node)}]` : undefined;
      return this.#wrongType(node, 'a list', spot, fix);
    }
    const { min = 0, max } = shape;
    if (node.items.length < min) this.#add(spot, 'TooFew', 'the list is empty', 'add an entry or remove the field');
    if (node.items.length > max) {
      this.#add(spot, 'TooMany', `the list has ${node.items.length} entries; at most ${max} are allowed`);
      return absent;
    }
    const read = node.items.map((item, i) =>
      this.read(item as Node | null, shape.of, inside(spot, String(i), spot.offset)),
    );
    return read.filter((value) => value !== absent);
  }

  #dictionary(node: Node | null, shape: Extract<Shape, { type: 'dictionary' }>, spot: Spot): unknown {
    if (!isMap(node)) return this.#wrongType(node, 'a map', spot);
    if (node.items.length > shape.max) {
      this.#add(spot, 'TooMany', `the map has ${node.items.length} entries; at most ${shape.max} are allowed`);
      return absent;
    }
    const value: Record<string, unknown> = {};
    for (const [key, item, at] of this.#pairs(node, spot)) {
      const place = inside(spot, key, at);
      this.#rule(shape.key, key, place);
      set(value, key, this.read(item, shape.of, place));
    }
    return value;
  }

  #text(node: Node | null, shape: Extract<Shape, { type: 'text' }>, spot: Spot): unknown {
    if (!isScalar(node) || typeof node.value !== 'string') {
      const fix = isScalar(node) && !isEmpty(node) ? `write "${sourceOf(node)}"` : undefined;
      return this.#wrongType(node, 'text', spot, fix);
    }
    return this.#checkedText(node.value, shape, spot);
  }

  #scalar(node: Node | null, shape: Extract<Shape, { type: 'scalar' }>, spot: Spot): unknown {
    if (!isScalar(node)) return this.#wrongType(node, 'text', spot);
    if (isEmpty(node)) return this.#wrongType(node, 'text', spot, `write "" for an empty text`);
    return this.#checkedText(typeof node.value === 'string' ? node.value : sourceOf(node), shape, spot);
  }

  #checkedText(text: string, { rule, maxLength }: { rule?: TextRule; maxLength: number }, spot: Spot): unknown {
    if (text.length > maxLength) {
      this.#add(spot, 'TooLong', `the text has ${text.length} characters; at most ${maxLength} are allowed`);
      return absent;
    }
    if (text.includes('\0')) {
      this.#add(spot, 'BadText', 'the text holds a NUL character', 'remove it');
      return absent;
    }
    return rule && !this.#rule(rule, text, spot) ? absent : text;
  }

  #rule(rule: TextRule, text: string, spot: Spot): boolean {
    const wrong = rule.check(text);
    if (wrong) this.#add(spot, rule.code, `"${shorten(text)}" ${wrong}`, rule.fix);
    return !wrong;
  }

  #integer(node: Node | null, { min, max }: { min: number; max: number }, spot: Spot): unknown {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return this.#wrongType(node, 'a whole number', spot);
    if (value >= min && value <= max) return value;
    this.#add(spot, 'OutOfRange', `${value} is not between ${min} and ${max}`);
    return absent;
  }

  #duration(
    node: Node | null,
    { minSeconds, maxSeconds }: { minSeconds: number; maxSeconds: number },
    spot: Spot,
  ): unknown {
    const text = isScalar(node) ? sourceOf(node) : '';
    const seconds = parseDuration(text);
    if (seconds === undefined) {
      const fix = /^[0-9]+$/.test(text) ? `did you mean "${text}s" or "${text}m"?` : 'write it like 90s, 5m or 1h30m';
      this.#add(spot, 'BadDuration', `${this.#describe(node)} is not a duration`, fix);
      return absent;
    }
    if (seconds >= minSeconds && seconds <= maxSeconds) return seconds;
    const range = `between ${formatDuration(minSeconds)} and ${formatDuration(maxSeconds)}`;
    this.#add(spot, 'BadDuration', `${text} is not ${range}`);
    return absent;
  }

  /** A value as it is. Words that YAML 1.1 took for booleans are text here, and mostly not meant so. */
  #json(node: Node | null, spot: Spot): unknown {
    if (isMap(node)) {
      const value: Record<string, unknown> = {};
      for (const [key, item, at] of this.#pairs(node, spot))
        set(value, key, this.read(item, { type: 'json' }, inside(spot, key, at)));
      return value;
    }
    if (isSeq(node)) {
      const items = node.items.map((item, i) =>
        this.read(item as Node | null, { type: 'json' }, inside(spot, String(i), spot.offset)),
      );
      return items.filter((item) => item !== absent);
    }
    if (!isScalar(node)) return null;
    if (node.type === 'PLAIN' && yaml11Booleans.has(sourceOf(node).toLowerCase())) {
      const message = `${sourceOf(node)} is text in YAML 1.2, not a boolean`;
      this.#problems.add(
        spot.offset,
        {
          code: 'YamlBoolean',
          path: spot.path,
          message,
          fix: `write true or false, or "${sourceOf(node)}" when text is meant`,
        },
        'warning',
      );
    }
    return jsonScalar(node);
  }

  /** Key text, value and place of the key of each pair. Duplicate keys and keys that are not text are problems. */
  *#pairs(map: YAMLMap, spot: Spot): Generator<[string, Node | null, number]> {
    const seen = new Set<string>();
    for (const pair of map.items as Pair<Node | null, Node | null>[]) {
      const at = pair.key?.range?.[0] ?? spot.offset;
      const key = isScalar(pair.key) ? sourceOf(pair.key) : undefined;
      if (key === undefined) {
        this.#add({ ...spot, offset: at }, 'BadKey', 'the key is not a text', 'write a name before the ":"');
      } else if (seen.has(key)) {
        this.#add(
          inside(spot, key, at),
          'DuplicateKey',
          `the key "${shorten(key)}" stands twice in this map`,
          'remove one',
        );
      } else {
        seen.add(key);
        yield [key, pair.value ?? null, at];
      }
    }
  }

  #wrongType(node: Node | null, wanted: string, spot: Spot, fix?: string): typeof absent {
    this.#add(spot, 'WrongType', `${this.#describe(node)} stands where ${wanted} is expected`, fix);
    return absent;
  }

  #describe(node: Node | null): string {
    if (isEmpty(node)) return 'nothing';
    if (isMap(node)) return 'a map';
    if (isSeq(node)) return 'a list';
    if (!isScalar(node)) return 'an alias';
    const text = shorten(sourceOf(node));
    if (typeof node.value === 'string') return `the text "${text}"`;
    return `the ${typeof node.value === 'boolean' ? 'boolean' : 'number'} ${text}`;
  }

  #add({ offset, path }: { offset: number; path: string }, code: string, message: string, fix?: string): void {
    this.#problems.add(offset, { code, path, message, ...(fix ? { fix } : {}) });
  }
}

function inside(spot: Spot, key: string, offset: number): Spot {
  const path = spot.path ? `${spot.path}.${key}` : key;
  return { path, depth: spot.depth + 1, offset };
}

function set(map: Record<string, unknown>, key: string, value: unknown): void {
  if (value === absent) return;
  // defineProperty: a key such as __proto__ is a key like any other.
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

function isEmpty(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

/** A scalar as it was written, without quotes. */
function sourceOf(node: Scalar): string {
  if (typeof node.value === 'string') return node.value;
  return node.source ?? String(node.value);
}

function jsonScalar({ value }: Scalar): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return typeof value === 'bigint' ? Number(value) : value;
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

function unreachable(shape: never): never {
  throw new Error(`unknown shape ${JSON.stringify(shape)}`);
}
