/** Builtins whose second argument is a predicate: the least and the most number of arguments. */
export const predicateBuiltins: Readonly<Record<string, readonly [number, number]>> = {
  all: [2, 2],
  none: [2, 2],
  any: [2, 2],
  one: [2, 2],
  filter: [2, 2],
  map: [2, 2],
  find: [2, 2],
  findIndex: [2, 2],
  findLast: [2, 2],
  findLastIndex: [2, 2],
  count: [1, 2],
  sum: [1, 2],
  groupBy: [2, 2],
  sortBy: [2, 3],
  reduce: [2, 3],
};
