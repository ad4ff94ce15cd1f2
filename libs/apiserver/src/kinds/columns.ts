import { clusterColumns } from './cluster-columns.ts';
import { age, name } from './column.ts';
import type { Column } from './kind.ts';
import { podColumns } from './pod-columns.ts';
import { workloadColumns } from './workload-columns.ts';

/** NAME and AGE, for kinds that say nothing else. */
export const defaultColumns: readonly Column[] = [name, age];

/** Columns of built-in kinds by `group/version/kind`. */
export const builtinColumns: ReadonlyMap<string, readonly Column[]> = new Map([
  ...clusterColumns,
  ...workloadColumns,
  ['v1/Pod', podColumns] as const,
]);
