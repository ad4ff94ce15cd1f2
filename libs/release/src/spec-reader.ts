import { nearest, type Json, type JsonObject, type Problem } from '@sluice/model';
import { parseDuration } from './duration.ts';

/** Reads one object of a spec, noting everything that is wrong, missing or not supported, with its path. */
export class SpecReader {
  readonly #object: JsonObject;
  readonly #path: string;
  readonly #problems: Problem[];
  readonly #known = new Set<string>();

  constructor(value: Json | undefined, path: string, problems: Problem[]) {
    this.#path = path;
    this.#problems = problems;
    const fits = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (value !== undefined && value !== null && !fits) this.#refuse('', 'must be a mapping');
    this.#object = fits ? (value as JsonObject) : {};
  }

  has(key: string): boolean {
    this.#known.add(key);
    return this.#object[key] !== undefined && this.#object[key] !== null;
  }

  text(key: string): string | undefined {
    return this.#typed(key, 'a text', (value) => (typeof value === 'string' ? value : undefined));
  }

  boolean(key: string): boolean | undefined {
    return this.#typed(key, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined));
  }

  integer(key: string): number | undefined {
    return this.#typed(key, 'a whole number', (value) => (Number.isSafeInteger(value) ? (value as number) : undefined));
  }

  durationMs(key: string): number | undefined {
    return this.#typed(key, 'a duration such as 5m or 30s', (value) =>
      typeof value === 'string' ? parseDuration(value) : undefined,
    );
  }

  choice<const T extends string>(key: string, choices: readonly T[]): T | undefined {
    return this.#typed(key, `one of ${choices.join(', ')}`, (value) => choices.find((choice) => choice === value));
  }

  object(key: string): SpecReader {
    this.#known.add(key);
    return new SpecReader(this.#object[key], this.#at(key), this.#problems);
  }

  /** The entries of a list, each to be read and closed. */
  list(key: string): readonly SpecReader[] {
    this.#known.add(key);
    const value = this.#object[key];
    if (value === undefined || value === null) return [];
    if (Array.isArray(value))
      return value.map((item, index) => new SpecReader(item as Json, `${this.#at(key)}[${index}]`, this.#problems));
    this.#refuse(key, 'must be a list');
    return [];
  }

  /** A list of texts. */
  texts(key: string): readonly string[] {
    const value = this.#typed(key, 'a list of texts', (found) =>
      Array.isArray(found) && found.every((item) => typeof item === 'string') ? found : undefined,
    );
    return value ?? [];
  }

  /** A mapping of texts. */
  textMap(key: string): Readonly<Record<string, string>> {
    const value = this.#typed(key, 'a mapping of texts', (found) => {
      if (typeof found !== 'object' || found === null || Array.isArray(found)) return undefined;
      return Object.values(found).every((item) => typeof item === 'string')
        ? (found as Readonly<Record<string, string>>)
        : undefined;
    });
    return value ?? {};
  }

  value(key: string): Json | undefined {
    this.#known.add(key);
    return this.#object[key];
  }

  /** Refuse a field by name because it is not supported yet. */
  unsupported(key: string, fix: string): void {
    if (!this.has(key)) return;
    this.#problems.push({
      code: 'Unsupported',
      severity: 'error',
      path: this.#at(key),
      message: 'is not supported yet',
      fix,
    });
  }

  refuse(key: string, message: string, fix?: string): void {
    this.#refuse(key, message, fix);
  }

  /** Refuse an expression that cannot be compiled. */
  refuseExpression(key: string, message: string): void {
    this.#problems.push({ code: 'InvalidCELExpression', severity: 'error', path: this.#at(key), message });
  }

  /** Refuse fields that nobody asked for. */
  close(): void {
    for (const key of Object.keys(this.#object)) {
      if (this.#known.has(key)) continue;
      const near = nearest(key, this.#known);
      this.#refuse(key, 'is not a field that is known here', near ? `did you mean "${near}"?` : undefined);
    }
  }

  #typed<T>(key: string, wanted: string, read: (value: Json) => T | undefined): T | undefined {
    this.#known.add(key);
    const value = this.#object[key];
    if (value === undefined || value === null) return undefined;
    const result = read(value);
    if (result === undefined) this.#refuse(key, `must be ${wanted}`);
    return result;
  }

  #refuse(key: string, message: string, fix?: string): void {
    const path = key ? this.#at(key) : this.#path;
    this.#problems.push({ code: 'InvalidSpec', severity: 'error', path, message, ...(fix ? { fix } : {}) });
  }

  #at(key: string): string {
    return this.#path ? `${this.#path}.${key}` : key;
  }
}
