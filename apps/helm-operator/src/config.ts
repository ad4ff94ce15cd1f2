import { clusterSettings } from '@sluice/kube';
import { electionSettings } from '@sluice/reconcile';
import { integerSetting, listSetting, requiredSetting, type SettingValues, switchSetting } from '@sluice/runtime';

/** Settings of the operator itself. */
export type HelmOperatorConfig = {
  /** Releases and sources worked on at a time. */
  readonly concurrency: number;
  /** How long `close` waits for helm to end. */
  readonly shutdownMs: number;
  /** Watch this namespace only. */
  readonly namespace?: string;
  /** Label every object of every release with its HelmRelease. Costs a process an operation. */
  readonly originLabels?: boolean;
  /** Drift detection also takes away what these field managers added to objects, such as `kubectl-edit`. */
  readonly overrideManagers?: readonly string[];
};

/** Defaults, for those who start the operator inside another program. */
export const defaultConfig: HelmOperatorConfig = Object.freeze({ concurrency: 8, shutdownMs: 30_000 });

/** What the program can be told. */
export const helmOperatorSettings = {
  ...clusterSettings,
  ...electionSettings,
  data: requiredSetting({
    env: 'SLUICE_DATA',
    placeholder: 'DIRECTORY',
    help: "charts, binaries and helm's own files",
    wanted: 'a directory that may be written to',
  }),
  concurrency: integerSetting({
    env: 'SLUICE_CONCURRENCY',
    help: 'releases worked on at a time',
    fallback: defaultConfig.concurrency,
    least: 1,
    most: 256,
  }),
  shutdownSeconds: integerSetting({
    env: 'SLUICE_SHUTDOWN_SECONDS',
    help: 'how long a stop waits for helm to end',
    fallback: defaultConfig.shutdownMs / 1_000,
    least: 1,
    most: 3_600,
  }),
  overrideManagers: listSetting({
    env: 'SLUICE_OVERRIDE_MANAGERS',
    placeholder: 'NAME,…',
    help: 'drift detection takes away what these field managers added, such as kubectl-edit',
  }),
  originLabels: switchSetting({
    env: 'SLUICE_ORIGIN_LABELS',
    help: 'label every object with its HelmRelease; costs a process an operation',
  }),
};

/** The operator's own part of the settings. */
export function helmOperatorConfig(settings: SettingValues<typeof helmOperatorSettings>): HelmOperatorConfig {
  const { concurrency, shutdownSeconds, overrideManagers, originLabels, namespace } = settings;
  return Object.freeze({
    concurrency,
    shutdownMs: shutdownSeconds * 1_000,
    ...(namespace ? { namespace } : {}),
    ...(overrideManagers.length > 0 ? { overrideManagers } : {}),
    ...(originLabels ? { originLabels } : {}),
  });
}
