import { keyOf, keyText, type KubeObject, type ObjectKey } from '@sluice/model';

/** Forgetting them costs one needless look at each object. */
const maxSeen = 50_000;

/** Passes only changes that ask for something: spec, annotations, labels, deletion. Our own status writes ask for nothing. */
export function onRequest(): (object: KubeObject) => readonly ObjectKey[] {
  const seen = new Map<string, string>();
  return (object) => {
    const { generation, annotations, labels, deletionTimestamp, uid } = object.metadata;
    const asked = JSON.stringify([uid, generation, annotations, labels, deletionTimestamp]);
    const key = keyText(keyOf(object));
    if (seen.get(key) === asked) return [];
    if (seen.size > maxSeen) seen.clear();
    seen.set(key, asked);
    return [keyOf(object)];
  };
}
