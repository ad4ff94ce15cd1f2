import { clusterSettings } from '@sluice/kube';
import { electionSettings } from '@sluice/reconcile';
import { choiceSetting, integerSetting, type SettingValues } from '@sluice/runtime';
import type { JsonObject } from '@sluice/model';
import type { WorkflowSpec } from '@sluice/workflow';

/** Configuration of the workflow controller. */
export type WorkflowControllerConfig = {
  /** Watch one namespace; absent: all. */
  readonly namespace?: string;
  /** Workflows worked on at a time. */
  readonly workers: number;
  /** Least time between two status writes of one run, in milliseconds, unless its phase changes. */
  readonly coalesceMs: number;
  /** How pods hand over outputs; `auto`: `native` when every node carries sluice.dev/native-outputs. */
  readonly outputs: 'auto' | 'native' | 'wrapper';
  /** Workflows under way at a time, in all and in a namespace; absent or 0: any number. */
  readonly parallelism?: number;
  readonly namespaceParallelism?: number;
  readonly workflowDefaults?: WorkflowSpec;
  /** The artifact repository of workflows whose namespace has none. */
  readonly artifactRepository?: JsonObject;
  readonly templateReferencing?: 'Strict' | 'Secure';
};

/** What a controller uses when nothing is said. */
export const defaultConfig: WorkflowControllerConfig = Object.freeze({ workers: 16, coalesceMs: 100, outputs: 'auto' });

/** What the program can be told. */
export const workflowControllerSettings = {
  ...clusterSettings,
  ...electionSettings,
  workers: integerSetting({
    env: 'SLUICE_WORKERS',
    help: 'workflows worked on at a time',
    fallback: defaultConfig.workers,
    least: 1,
    most: 256,
  }),
  coalesceMs: integerSetting({
    env: 'SLUICE_COALESCE_MS',
    help: 'least time between two status writes of one run',
    fallback: defaultConfig.coalesceMs,
    least: 0,
    most: 10_000,
  }),
  parallelism: integerSetting({
    env: 'SLUICE_PARALLELISM',
    help: 'workflows under way at a time, 0 for any number',
    fallback: 0,
    least: 0,
    most: 1_000_000,
  }),
  namespaceParallelism: integerSetting({
    env: 'SLUICE_NAMESPACE_PARALLELISM',
    help: 'workflows under way at a time in each namespace, 0 for any number',
    fallback: 0,
    least: 0,
    most: 1_000_000,
  }),
  outputs: choiceSetting({
    env: 'SLUICE_OUTPUTS',
    help: 'how pods hand over outputs',
    choices: ['auto', 'native', 'wrapper'],
    fallback: 'auto',
  }),
};

/** The controller's own part of the settings. */
export function workflowControllerConfig(
  settings: SettingValues<typeof workflowControllerSettings>,
): WorkflowControllerConfig {
  const { workers, coalesceMs, outputs, parallelism, namespaceParallelism, namespace } = settings;
  const limits = { parallelism, namespaceParallelism };
  return Object.freeze({ workers, coalesceMs, outputs, ...limits, ...(namespace ? { namespace } : {}) });
}
