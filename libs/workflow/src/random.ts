import { fnv1a32 } from './node-name.ts';

/** Numbers from 0 up to but without 1, the same for the same seed: a pass that is played again draws the same lots. */
export function randomOf(seed: string): () => number {
  let state: [number, number, number, number] | undefined;
  return () => {
    state ??= [fnv1a32(`a${seed}`), fnv1a32(`b${seed}`), fnv1a32(`c${seed}`), 1];
    let [a, b, c, counter] = state;
    const value = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + value) | 0;
    state = [a, b, c, counter];
    return (value >>> 0) / 4_294_967_296;
  };
}
