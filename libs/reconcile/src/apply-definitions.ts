import { type Condition, findCondition, type KubeObject, keyOf, resources } from '@sluice/model';
import { pause } from './backoff.ts';
import type { KubeApi } from './kube-api.ts';

type Definition = KubeObject<unknown, { readonly conditions?: readonly Condition[] }>;

const lookAgainMs = 100;

/**
 * Apply CustomResourceDefinitions and wait until their kinds are served. Throws, naming the kind and the server's reason,
 * when that takes longer than `timeoutMs` (30 s).
 */
export async function applyDefinitions(
  kube: KubeApi,
  definitions: readonly KubeObject[],
  options: { readonly fieldManager: string; readonly timeoutMs?: number; readonly signal?: AbortSignal },
): Promise<void> {
  const { fieldManager, timeoutMs = 30_000, signal } = options;
  const kind = resources.customResourceDefinitions;
  for (const definition of definitions) {
    await kube.apply(kind, definition, { fieldManager, ...(signal && { signal }) });
  }
  const endMs = performance.now() + timeoutMs;
  for (const definition of definitions) {
    for (;;) {
      signal?.throwIfAborted();
      const stored = await kube.get<Definition>(kind, keyOf(definition), signal);
      const conditions = stored?.status?.conditions;
      if (findCondition(conditions, 'Established')?.status === 'True') break;
      if (performance.now() > endMs) {
        const why = findCondition(conditions, 'NamesAccepted')?.message ?? 'the server has not said why';
        throw new Error(`${definition.metadata.name} is not served after ${timeoutMs} ms: ${why}`);
      }
      await pause(lookAgainMs, signal);
    }
  }
}
