import { pluginName, type PostRender } from './post-render.ts';

/** Names a release: the namespace holds its objects and, as helm does it, its records. */
export type ReleaseTarget = {
  readonly name: string;
  readonly namespace: string;
  /** Path of the kubeconfig of another cluster. Default: that of the runner. */
  readonly kubeconfig?: string;
  /** Act as this user. */
  readonly asUser?: string;
};

/** How long to wait for objects to be ready. */
export type WaitOptions = {
  readonly timeoutMs: number;
  /** `none` waits for hooks only. Default `watcher`. */
  readonly wait?: 'watcher' | 'legacy' | 'none';
  readonly waitForJobs?: boolean;
  readonly disableHooks?: boolean;
};

type ApplyOptions = {
  /** Server-side apply, conflicts forced. Default true. */
  readonly serverSide?: boolean;
  readonly disableOpenApiValidation?: boolean;
  readonly description?: string;
};

type ChartInput = {
  /** An unpacked chart. */
  readonly chartDirectory: string;
  /** YAML or JSON; given on standard input. */
  readonly values: string;
  readonly disableSchemaValidation?: boolean;
  readonly takeOwnership?: boolean;
  readonly postRender?: PostRender;
};

export type InstallOptions = ReleaseTarget &
  WaitOptions &
  ApplyOptions &
  ChartInput & {
    readonly createNamespace?: boolean;
    readonly replace?: boolean;
  };

export type UpgradeOptions = ReleaseTarget &
  WaitOptions &
  ApplyOptions &
  ChartInput & {
    readonly reuseValues?: boolean;
    readonly maxHistory?: number;
    readonly cleanupOnFail?: boolean;
    readonly force?: boolean;
  };

export type RollbackOptions = ReleaseTarget &
  WaitOptions &
  ApplyOptions & {
    readonly revision: number;
    readonly maxHistory?: number;
    readonly cleanupOnFail?: boolean;
    readonly force?: boolean;
  };

export type UninstallOptions = ReleaseTarget &
  WaitOptions & {
    readonly keepHistory?: boolean;
    readonly cascade?: 'background' | 'foreground' | 'orphan';
    readonly description?: string;
  };

export type TestOptions = ReleaseTarget & {
  readonly timeoutMs: number;
  /** As in the spec: `exclude` turns a filter round. */
  readonly filters?: readonly { readonly name: string; readonly exclude?: boolean }[];
};

/** Arguments of `helm install`. CRDs are never helm's business: the caller applies them by its policy. */
export function installArguments(options: InstallOptions): string[] {
  return [
    'install',
    options.name,
    options.chartDirectory,
    ...common(options),
    ...chart(options),
    ...waiting(options),
    ...applying(options),
    ...when(options.createNamespace, '--create-namespace'),
    ...when(options.replace, '--replace'),
  ];
}

/** Arguments of `helm upgrade`. */
export function upgradeArguments(options: UpgradeOptions): string[] {
  return [
    'upgrade',
    options.name,
    options.chartDirectory,
    ...common(options),
    ...chart(options),
    ...waiting(options),
    ...applying(options),
    options.reuseValues ? '--reuse-values' : '--reset-values',
    ...history(options.maxHistory),
    ...when(options.cleanupOnFail, '--cleanup-on-fail'),
    ...when(options.force && options.serverSide === false, '--force-replace'),
  ];
}

/** Arguments of `helm rollback`. */
export function rollbackArguments(options: RollbackOptions): string[] {
  const { disableOpenApiValidation: _unused, description: _none, ...rest } = options;
  return [
    'rollback',
    options.name,
    String(options.revision),
    ...common(options),
    ...waiting(options),
    ...applying(rest),
    ...history(options.maxHistory),
    ...when(options.cleanupOnFail, '--cleanup-on-fail'),
    ...when(options.force && options.serverSide === false, '--force-replace'),
  ];
}

/** Arguments of `helm uninstall`. A release that is not there counts as uninstalled. */
export function uninstallArguments(options: UninstallOptions): string[] {
  const { wait = 'watcher' } = options;
  return [
    'uninstall',
    options.name,
    ...common(options),
    '--ignore-not-found',
    '--timeout',
    seconds(options.timeoutMs),
    waitFlag(wait),
    '--cascade',
    options.cascade ?? 'background',
    ...when(options.keepHistory, '--keep-history'),
    ...when(options.disableHooks, '--no-hooks'),
    ...(options.description ? ['--description', options.description] : []),
  ];
}

/** Arguments of `helm test`. */
export function testArguments(options: TestOptions): string[] {
  const filters = (options.filters ?? []).flatMap(({ name, exclude }) => [
    '--filter',
    `${exclude ? '!' : ''}name=${name}`,
  ]);
  return ['test', options.name, ...common(options), '--timeout', seconds(options.timeoutMs), ...filters];
}

/** The flag takes its value only after an equals sign. */
function waitFlag(wait: 'watcher' | 'legacy' | 'none'): string {
  return `--wait=${wait === 'none' ? 'hookOnly' : wait}`;
}

/** A duration as helm takes it, whole seconds, at least one. */
export function seconds(ms: number): string {
  return `${Math.max(1, Math.round(ms / 1_000))}s`;
}

function common({ namespace, asUser }: ReleaseTarget): string[] {
  return ['--namespace', namespace, ...(asUser ? ['--kube-as-user', asUser] : [])];
}

function chart(options: ChartInput): string[] {
  return [
    '--values',
    '-',
    '--skip-crds',
    ...when(options.disableSchemaValidation, '--skip-schema-validation'),
    ...when(options.takeOwnership, '--take-ownership'),
    ...when(options.postRender !== undefined, '--post-renderer', pluginName),
  ];
}

function waiting({ timeoutMs, wait = 'watcher', waitForJobs, disableHooks }: WaitOptions): string[] {
  return [
    '--timeout',
    seconds(timeoutMs),
    waitFlag(wait),
    ...when(waitForJobs && wait !== 'none', '--wait-for-jobs'),
    ...when(disableHooks, '--no-hooks'),
  ];
}

function applying({ serverSide = true, disableOpenApiValidation, description }: ApplyOptions): string[] {
  return [
    `--server-side=${serverSide}`,
    ...when(serverSide, '--force-conflicts'),
    ...when(disableOpenApiValidation, '--disable-openapi-validation'),
    ...(description ? ['--description', description] : []),
  ];
}

function history(maxHistory: number | undefined): string[] {
  return maxHistory === undefined ? [] : ['--history-max', String(maxHistory)];
}

function when(condition: boolean | undefined, ...flags: string[]): string[] {
  return condition ? flags : [];
}
