import { globalLayer } from './global-layer.ts';
import type { JsonObject } from '@sluice/model';
import type { Action } from './action.ts';
import type { Pass } from './pass.ts';
import { joinLayers, substitute } from './variables.ts';

type Claims =
  | { readonly ok: true; readonly actions: readonly Action[]; readonly claims: readonly JsonObject[] }
  | { readonly ok: false; readonly message: string; readonly claims: readonly JsonObject[] };

/** The claims of a workflow: `<workflow>-<name of the claim template>`, made before its first pod. */
export function claimsOf(pass: Pass): Claims {
  const templates = pass.spec.volumeClaimTemplates ?? [];
  const made = pass.before.persistentVolumeClaims ?? [];
  const known = new Set(made.map((claim) => claim['claimName']));
  const actions: Action[] = [];
  const claims: JsonObject[] = [...made];
  for (const template of templates) {
    const filled = substitute(template, joinLayers(globalLayer(pass)), { keepUnresolved: true });
    if (!filled.ok) return { ok: false, message: filled.message, claims };
    const metadata = filled.value['metadata'];
    const claim = isObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '';
    const name = `${pass.name}-${claim}`;
    if (known.has(name)) continue;
    actions.push({ kind: 'CreatePvc', name, manifest: filled.value });
    claims.push({ name: claim, claimName: name });
  }
  return { ok: true, actions, claims };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
