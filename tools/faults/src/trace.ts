import { createHash } from 'node:crypto';

/** What happened, line by line: a digest of everything, so that two runs can be compared, and a count. */
export class Trace {
  readonly #hash = createHash('sha256');
  #lines = 0;

  add(line: string): void {
    this.#hash.update(line).update('\n');
    this.#lines++;
  }

  /** Only once, at the end. */
  summary(): string {
    return `${this.#lines} lines, sha256 ${this.#hash.digest('hex')}`;
  }
}
