import { canonicalJson, type PodTemplate, sameJson } from './workload.ts';

/** Label that tells the pods of the revisions of a Deployment apart. */
export const hashLabel = 'pod-template-hash';

const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** FNV-1a, 32 bits. */
export function fnv32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** A number in letters and digits that spell no words. */
export function safeText(value: number): string {
  return Array.from(String(value), (digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}

/** Name part for a template; `collisions` makes another one when a name is taken by something else. */
export function templateHash(template: PodTemplate | undefined, collisions = 0): string {
  return safeText(fnv32(canonicalJson(withoutHash(template)) + (collisions > 0 ? `#${collisions}` : '')));
}

/** True when two templates make the same pods. */
export function sameTemplate(a: PodTemplate | undefined, b: PodTemplate | undefined): boolean {
  return sameJson(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplate | undefined): unknown {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  const { labels: _labels, ...metadata } = template?.metadata ?? {};
  const { creationTimestamp: _time, ...rest } = metadata as Record<string, unknown>;
  const hasLabels = Object.keys(labels).length > 0;
  return { metadata: { ...rest, ...(hasLabels && { labels }) }, spec: template?.spec ?? {} };
}
