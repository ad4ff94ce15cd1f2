export type { Garbage, GarbageOptions } from './collect-garbage.ts';
export type { Registry, RegistryOptions, StoredManifest } from './registry.ts';
export { createRegistry } from './registry.ts';
