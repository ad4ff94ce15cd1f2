import type { KubeObject } from '@sluice/model';
import { groupVersionOf, type KindInfo } from '../kinds/kind.ts';
import type { MutableObject } from '../patch/json-value.ts';
import { builtinDefaults } from './builtin-defaults.ts';
import { defaultValue, dropNulls } from './structural-defaults.ts';

/**
 * Fills in the defaults of the kind; nulls of custom objects that may not be null are dropped. Returns a new object where something
 * changes; never changes its argument.
 */
export function applyDefaults<T extends KubeObject>(kind: KindInfo, object: T): T {
  const value = object as unknown as MutableObject;
  const filled = kind.custom ? dropNulls(defaultValue(value, kind.schema), kind.schema) : fillBuiltin(kind, value);
  return filled as unknown as T;
}

function fillBuiltin(kind: KindInfo, value: MutableObject): MutableObject {
  const fill = builtinDefaults[`${groupVersionOf(kind)}/${kind.kind}`];
  return fill ? fill(value) : value;
}
