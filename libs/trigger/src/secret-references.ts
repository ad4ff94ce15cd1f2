import type { Json } from '@sluice/model';

const maxDepth = 64;
const maxNames = 100;

/**
 * Names of the Secrets that a Workflow's spec lets its steps read, wherever they stand: environment variables, volumes,
 * image pulls, credentials of artifacts. Pure.
 */
export function referencedSecrets(spec: unknown): readonly string[] {
  const names = new Set<string>();
  collect(spec as Json | undefined, '', names, 0);
  return [...names].slice(0, maxNames).sort();
}

function collect(value: Json | undefined, key: string, names: Set<string>, depth: number): void {
  if (value === null || typeof value !== 'object' || depth > maxDepth) return;
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) collect(item, key, names, depth + 1);
    return;
  }
  const fields = value as Readonly<Record<string, Json>>;
  const name = fields['name'];
  const secretName = fields['secretName'];
  if (isReference(key) && typeof name === 'string' && name !== '') names.add(name);
  if (key === 'secret' && typeof secretName === 'string' && secretName !== '') names.add(secretName);
  for (const [field, below] of Object.entries(fields)) collect(below, field, names, depth + 1);
}

/** `secretKeyRef`, `secretRef`, `secret` of a projected volume, `imagePullSecrets`, and Argo's `accessKeySecret`, `sshPrivateKeySecret` ... */
function isReference(key: string): boolean {
  return key === 'secretKeyRef' || key === 'secretRef' || key === 'secret' || /Secrets?$/.test(key);
}
