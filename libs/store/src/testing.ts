export type { MemoryStore } from './memory-store.ts';
export { memoryStore } from './memory-store.ts';
