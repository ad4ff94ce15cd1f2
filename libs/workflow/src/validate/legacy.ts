import type { Problem } from '@sluice/model';
import type { Template, WorkflowSpec } from '../workflow-types.ts';

type Told = { readonly path: string; readonly field: string; readonly now: string };

/** Fields of Argo Workflows 3.x that are still understood, each with what it is taken for: told as a warning. */
export function legacyProblems(spec: WorkflowSpec): readonly Problem[] {
  const found: Told[] = [...locks(spec['synchronization'], 'spec.synchronization')];
  if (spec['ttlSecondsAfterFinished'] !== undefined)
    found.push({
      path: 'spec.ttlSecondsAfterFinished',
      field: 'ttlSecondsAfterFinished',
      now: 'ttlStrategy.secondsAfterCompletion',
    });
  const templates: readonly (readonly [Template, string])[] = [
    ...(spec.templates ?? []).map((template, index) => [template, `spec.templates[${index}]`] as const),
    ...(spec.templateDefaults ? [[spec.templateDefaults, 'spec.templateDefaults'] as const] : []),
  ];
  for (const [{ synchronization }, path] of templates) found.push(...locks(synchronization, `${path}.synchronization`));
  return found.map(({ path, field, now }) => ({
    code: 'FieldLegacy',
    severity: 'warning',
    path,
    message: `${field} is of Argo Workflows 3.x and is taken for ${now}`,
    fix: `write ${now}`,
  }));
}

function locks(synchronization: unknown, path: string): readonly Told[] {
  if (typeof synchronization !== 'object' || synchronization === null) return [];
  return (['mutex', 'semaphore'] as const)
    .filter((field) => Object.hasOwn(synchronization, field))
    .map((field) => ({ path: `${path}.${field}`, field, now: field === 'mutex' ? 'mutexes' : 'semaphores' }));
}
