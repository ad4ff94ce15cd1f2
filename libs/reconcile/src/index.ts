export type { Reconcile, ReconcileResult, WatchSource } from './controller.ts';
export type {
  DeleteOptions,
  JsonPatchOperation,
  KubeApi,
  ListOptions,
  ListResult,
  LogOptions,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './kube-api.ts';
export { isKubeError, KubeApiError } from './kube-api.ts';
