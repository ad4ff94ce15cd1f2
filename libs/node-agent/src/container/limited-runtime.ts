import { type Cgroups, joining, limitsOf } from './cgroups.ts';
import type { ContainerInput, ContainerRuntime, LaunchPlan } from './runtime.ts';
import { StartError } from './start-error.ts';

/** Most that nobody asked about. */
const maxKept = 1_000;

/** A runtime whose containers are kept within their limits. One without limits costs nothing more. */
export function limitedRuntime(runtime: ContainerRuntime, cgroups: Cgroups): ContainerRuntime {
  const groups = new Map<string, readonly string[]>();
  const outOfMemory = new Set<string>();
  const enclose = (input: ContainerInput): readonly string[] => {
    const limits = limitsOf(input.resources);
    if (!limits) return [];
    try {
      const files = cgroups.create(input.id, limits);
      groups.set(input.id, files);
      return files;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new StartError('CreateContainerError', `the limits of the container cannot be set: ${why}`, {
        cause: error,
      });
    }
  };
  return {
    ...runtime,
    plan: (input, entry) => {
      const plan = runtime.plan(input, entry);
      return within(entry ? (groups.get(input.id) ?? []) : enclose(input), plan);
    },
    async release(input) {
      await runtime.release?.(input);
      if (!groups.delete(input.id)) return;
      if (outOfMemory.size > maxKept) outOfMemory.clear();
      if (await cgroups.remove(input.id)) outOfMemory.add(input.id);
    },
    ranOutOfMemory: (input) => outOfMemory.delete(input.id),
    async close() {
      await runtime.close?.();
      await cgroups.clear();
    },
  };
}

function within(files: readonly string[], plan: LaunchPlan): LaunchPlan {
  if (files.length === 0) return plan;
  const [file = '', ...args] = joining(files, [plan.file, ...plan.args]);
  return { ...plan, file, args };
}
