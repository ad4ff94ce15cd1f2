import type { KubeObject } from '@sluice/model';
import { KubeApiError } from '../kube-api.ts';
import { matchesRequirements, parseLabelSelector } from '../label-selector.ts';

type Scope = { readonly namespace?: string; readonly labelSelector?: string; readonly fieldSelector?: string };

/** Which objects a list or watch is about. Field selectors may name any dotted path. */
export function matcherOf({ namespace, labelSelector, fieldSelector }: Scope): (object: KubeObject) => boolean {
  const requirements = labelSelector ? parseLabelSelector(labelSelector) : [];
  const fields = (fieldSelector ?? '').split(',').filter(Boolean).map(parseField);
  return (object) => {
    if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
    if (!matchesRequirements(requirements, object.metadata.labels)) return false;
    return fields.every(({ path, equal, value }) => (readField(object, path) === value) === equal);
  };
}

function parseField(term: string): { path: string[]; equal: boolean; value: string } {
  const parsed = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
  if (!parsed) throw new KubeApiError(400, 'BadRequest', `field selector ${term} is not of the form path=value`);
  return { path: (parsed[1] ?? '').split('.'), equal: parsed[2] !== '!=', value: parsed[3] ?? '' };
}

function readField(object: unknown, path: readonly string[]): string {
  const value = path.reduce<unknown>((parent, name) => (parent as Record<string, unknown> | undefined)?.[name], object);
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
