import { createHash } from 'node:crypto';

/** Hex sha256 of a text: what libs/release is given as its hash. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
