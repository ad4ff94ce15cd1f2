import type { Json, JsonObject } from '@sluice/model';
import { expectJson, type Outcome } from '../suite.ts';
import { createMergePatch, jsonMergePatch, jsonPatch } from './subject.ts';
import { expectFailure, type Player } from './vector.ts';

/** JSON patch and JSON merge patch. */
export const playPatch: Player = (vector): Outcome => {
  if (vector['kubernetesDiffers'] === true)
    return { result: 'skipped', reason: 'Kubernetes gives another answer than RFC 6902' };
  const [doc, patch] = ['doc', 'patch'].map((name) => vector[name] as Json);
  if (vector['hasWholeDecimals'] === true && JSON.stringify(patch).includes('"test"'))
    return { result: 'skipped', reason: '1.0 and 1 are one number in JavaScript' };
  const act = () => {
    if (vector.kind === 'mergePatch') return jsonMergePatch(doc ?? null, patch ?? null);
    if (vector.kind === 'createMergePatch')
      return createMergePatch(vector['original'] as JsonObject, vector['modified'] as JsonObject);
    return jsonPatch(doc ?? null, patch ?? null);
  };
  if (vector['error'] === true) return expectFailure(act);
  return expectJson(act(), vector.kind === 'createMergePatch' ? patch : vector['result']);
};
