import { StatusError } from '../http/status-error.ts';
import type { Cause } from '../kinds/kind.ts';
import type { ApplyConflict } from '../patch/apply.ts';

/** 409 for an apply that would take fields from other managers: one cause a field, grouped by manager in the message. */
export function applyConflict(conflicts: readonly ApplyConflict[]): StatusError {
  const named = conflicts.map((conflict) => ({ manager: describe(conflict), fields: conflict.fields }));
  const causes: Cause[] = named.flatMap(({ manager, fields }) =>
    fields.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field })),
  );
  return new StatusError(409, 'Conflict', messageOf(causes, named), { causes });
}

type NamedConflict = { readonly manager: string; readonly fields: readonly string[] };

function messageOf(causes: readonly Cause[], named: readonly NamedConflict[]): string {
  const [only] = causes;
  if (causes.length === 1 && only) return `Apply failed with 1 conflict: ${only.message}: ${only.field}`;
  const groups = named
    .toSorted((a, b) => (a.manager < b.manager ? -1 : 1))
    .flatMap(({ manager, fields }) => [`conflicts with ${manager}:`, ...fields.map((field) => `- ${field}`)]);
  return `Apply failed with ${causes.length} conflicts: ${groups.join('\n')}`;
}

/** `"kubectl" with subresource "status" using apps/v1 at TIME`: appliers go by their name, updaters also by the version they used. */
function describe({ manager, subresource, operation, apiVersion, time }: ApplyConflict): string {
  const door = subresource === '' ? '' : ` with subresource "${subresource}"`;
  const version = operation === 'Update' ? ` using ${apiVersion}${time === undefined ? '' : ` at ${time}`}` : '';
  return `"${manager}"${door}${version}`;
}
