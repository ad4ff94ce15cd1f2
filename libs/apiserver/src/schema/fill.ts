import type { Json } from '@sluice/model';
import { getOwn, isList, isObject, type MutableObject, setOwn } from '../patch/json-value.ts';

/** A step that fills in defaults of an object and returns it, the same one when nothing was missing. */
export type Fill = (object: MutableObject) => MutableObject;

/** Absent, null or the empty string, which is how Kubernetes spells an absent text. */
function isAbsent(value: Json | undefined): boolean {
  return value === undefined || value === null || value === '';
}

/** Sets each name that is absent, null or the empty string. */
export function missing(defaults: { readonly [name: string]: Json }): Fill {
  return (object) => {
    let out = object;
    for (const [name, value] of Object.entries(defaults)) {
      if (isAbsent(getOwn(out, name))) out = withValue(out, name, value);
    }
    return out;
  };
}

/** One step after the other. */
export function steps(...fills: readonly Fill[]): Fill {
  return (object) => fills.reduce((value, fill) => fill(value), object);
}

/** Fills the object under a name, where there is one. */
export function inside(name: string, fill: Fill): Fill {
  return (object) => {
    const inner = getOwn(object, name);
    return isObject(inner) ? withValue(object, name, fill(inner)) : object;
  };
}

/** Fills the object under a dotted path, where there is one. */
export function at(path: string, fill: Fill): Fill {
  return path.split('.').reduceRight((inner, name) => inside(name, inner), fill);
}

/** Fills every object of the list under a name. */
export function each(name: string, fill: Fill): Fill {
  return (object) => {
    const list = getOwn(object, name);
    if (!isList(list)) return object;
    const after = list.map((item) => (isObject(item) ? fill(item) : item));
    return after.some((item, index) => item !== list[index]) ? withValue(object, name, after) : object;
  };
}

/** Fills only where the test holds. */
export function when(test: (object: MutableObject) => boolean, fill: Fill): Fill {
  return (object) => (test(object) ? fill(object) : object);
}

/** Sets names to what is worked out from the object, where they are absent. */
export function derived(name: string, value: (object: MutableObject) => Json | undefined): Fill {
  return (object) => {
    if (!isAbsent(getOwn(object, name))) return object;
    const found = value(object);
    return found === undefined ? object : withValue(object, name, found);
  };
}

function withValue(object: MutableObject, name: string, value: Json): MutableObject {
  if (getOwn(object, name) === value) return object;
  const out = { ...object };
  setOwn(out, name, value);
  return out;
}
