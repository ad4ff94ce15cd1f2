import { clusterSettings } from '@sluice/kube';
import {
  integerSetting,
  listSetting,
  requiredSetting,
  type Setting,
  type SettingValues,
  switchSetting,
} from '@sluice/runtime';

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

type Address = { readonly host: string; readonly port: number };

const metricsSetting: Setting<Address | undefined> = {
  env: 'SLUICE_METRICS',
  placeholder: 'HOST:PORT',
  help: 'serve /metrics and /healthz there (default: nowhere)',
  read: (text) => {
    if (text === undefined) return { value: undefined };
    const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
    if (!host || Number(port) > 65_535) return { wrong: `"${text}" is no address such as 127.0.0.1:9090` };
    return { value: { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) } };
  },
};

/** What the program can be told. */
export const helmOperatorSettings = {
  ...clusterSettings,
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
  originLabels: switchSetting({
    env: 'SLUICE_ORIGIN_LABELS',
    help: 'label every object with its HelmRelease; costs a process an operation',
  }),
  overrideManagers: listSetting({
    env: 'SLUICE_OVERRIDE_MANAGERS',
    placeholder: 'A,B',
    help: 'drift detection takes away what these field managers added, such as kubectl-edit',
  }),
  shutdownSeconds: integerSetting({
    env: 'SLUICE_SHUTDOWN_SECONDS',
    help: 'how long a stop waits for helm to end',
    fallback: defaultConfig.shutdownMs / 1_000,
    least: 1,
    most: 3_600,
  }),
  metrics: metricsSetting,
};

/** The operator's own part of the settings. */
export function helmOperatorConfig({
  concurrency,
  originLabels,
  overrideManagers,
  shutdownSeconds,
  namespace,
}: SettingValues<typeof helmOperatorSettings>): HelmOperatorConfig {
  return Object.freeze({
    concurrency,
    shutdownMs: shutdownSeconds * 1_000,
    overrideManagers,
    ...(namespace ? { namespace } : {}),
    ...(originLabels ? { originLabels } : {}),
  });
}
