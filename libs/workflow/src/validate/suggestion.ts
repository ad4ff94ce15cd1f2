import { nearest } from '@sluice/model';

/** `did you mean "x"?` for a mistyped name; undefined when nothing is near. */
export function didYouMean(word: string, names: Iterable<string>): string | undefined {
  const near = nearest(word, names);
  return near === undefined ? undefined : `did you mean "${near}"?`;
}
