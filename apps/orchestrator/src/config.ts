import { clusterSettings } from '@sluice/kube';
import { electionSettings } from '@sluice/reconcile';
import { redisSettings } from '@sluice/queue';
import {
  integerSetting,
  listSetting,
  requiredSetting,
  type SettingValues,
  switchSetting,
  textSetting,
} from '@sluice/runtime';

/** What the orchestrator needs to know about its surroundings. */
export type OrchestratorConfig = {
  /** Watch this namespace only; all when absent. */
  readonly namespace?: string;
  /** `host[:port]` of the registry that pipelines push to and releases pull from. */
  readonly registry: string;
  /** The registry speaks plain HTTP. */
  readonly registryInsecure: boolean;
  /** Image of steps that name none; the default of @sluice/pipeline when absent. */
  readonly toolsImage?: string;
  /** Deliveries handled at a time. */
  readonly concurrency: number;
  /** How often the heads of a repository are compared with what was handled. */
  readonly repairIntervalMs: number;
  /** Least time between two intermediate reports of one run. */
  readonly reportIntervalMs: number;
  /** Lines of the failing step's log that a check shows. */
  readonly logTailLines: number;
};

/** Defaults of everything that has one. */
export const orchestratorDefaults = Object.freeze({
  concurrency: 8,
  repairIntervalMs: 60_000,
  reportIntervalMs: 250,
  logTailLines: 50,
});

/** What the program can be told. */
export const orchestratorSettings = {
  ...clusterSettings,
  ...electionSettings,
  ...redisSettings,
  registry: requiredSetting({
    env: 'SLUICE_REGISTRY',
    placeholder: 'HOST[:PORT]',
    help: 'registry that pipelines push to and releases pull from',
    pattern: /^[A-Za-z0-9.-]+(:[0-9]{1,5})?$/,
    wanted: 'a host with or without a port, like registry.example.org',
  }),
  registryInsecure: switchSetting({ env: 'SLUICE_REGISTRY_INSECURE', help: 'the registry speaks plain HTTP' }),
  data: textSetting({
    env: 'SLUICE_DATA',
    placeholder: 'DIRECTORY',
    help: 'mirrors of repositories; may be lost (default /var/lib/sluice)',
  }),
  privateHosts: listSetting({
    env: 'SLUICE_PRIVATE_HOSTS',
    placeholder: 'HOST,…',
    help: 'hosts that repositories may be fetched from although their addresses are private',
  }),
  toolsImage: textSetting({ env: 'SLUICE_TOOLS_IMAGE', placeholder: 'IMAGE', help: 'image of steps that name none' }),
  concurrency: integerSetting({
    env: 'SLUICE_CONCURRENCY',
    help: 'deliveries handled at a time',
    fallback: orchestratorDefaults.concurrency,
    least: 1,
    most: 64,
  }),
  repairSeconds: integerSetting({
    env: 'SLUICE_REPAIR_SECONDS',
    help: 'how often heads are compared with what was handled',
    fallback: orchestratorDefaults.repairIntervalMs / 1_000,
    least: 5,
    most: 86_400,
  }),
  reportIntervalMs: integerSetting({
    env: 'SLUICE_REPORT_INTERVAL_MS',
    help: 'least time between two reports of one run',
    fallback: orchestratorDefaults.reportIntervalMs,
    least: 0,
    most: 60_000,
  }),
  logTailLines: integerSetting({
    env: 'SLUICE_LOG_TAIL_LINES',
    help: 'lines of a failing step that a check shows',
    fallback: orchestratorDefaults.logTailLines,
    least: 0,
    most: 1_000,
  }),
};

/** The orchestrator's own part of the settings. */
export function orchestratorConfig(settings: SettingValues<typeof orchestratorSettings>): OrchestratorConfig {
  const { registry, registryInsecure, concurrency, repairSeconds, reportIntervalMs, logTailLines } = settings;
  const { namespace, toolsImage } = settings;
  return Object.freeze({
    registry,
    registryInsecure,
    concurrency,
    repairIntervalMs: repairSeconds * 1_000,
    reportIntervalMs,
    logTailLines,
    ...(namespace ? { namespace } : {}),
    ...(toolsImage ? { toolsImage } : {}),
  });
}
