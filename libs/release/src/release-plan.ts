import type { HelmReleaseSpec, JsonObject, Problem, Result } from '@sluice/model';
import { readCondition, readHealthChecks, type CelCondition, type HealthCheck } from './cel-checks.ts';
import { readChartTemplate, type ChartReference, type ChartTemplate } from './chart-template.ts';
import { readDrift, type DriftPlan } from './drift.ts';
import { readPostRendering, type PostRenderPlan } from './post-render-plan.ts';
import { SpecReader } from './spec-reader.ts';

/** How to wait and what to switch off in one operation. */
export type OperationPlan = {
  readonly timeoutMs: number;
  readonly wait: 'watcher' | 'legacy' | 'none';
  readonly waitForJobs: boolean;
  readonly disableHooks: boolean;
};

export type CrdPolicy = 'Skip' | 'Create' | 'CreateReplace';

/** What to do about failed attempts: give up after `retries` repetitions (below 0: never), undoing each by `strategy`. */
export type RemediationPlan = {
  readonly retries: number;
  readonly strategy: 'rollback' | 'uninstall';
  readonly remediateLastFailure: boolean;
  readonly ignoreTestFailures: boolean;
};

export type StrategyPlan =
  { readonly name: 'RemediateOnFailure' } | { readonly name: 'RetryOnFailure'; readonly retryIntervalMs: number };

type ReleaseOperation = OperationPlan & {
  readonly crds: CrdPolicy;
  readonly strategy: StrategyPlan;
  readonly remediation: RemediationPlan;
  readonly disableOpenApiValidation: boolean;
  readonly disableSchemaValidation: boolean;
  readonly takeOwnership: boolean;
};

export type InstallPlan = ReleaseOperation & {
  readonly serverSide: boolean;
  readonly createNamespace: boolean;
  readonly replace: boolean;
};

export type UpgradePlan = ReleaseOperation & {
  readonly serverSide: 'enabled' | 'disabled' | 'auto';
  readonly force: boolean;
  readonly preserveValues: boolean;
  readonly cleanupOnFail: boolean;
  readonly chartNameChange: 'Reinstall' | 'InPlaceUpdate';
};

export type RollbackPlan = OperationPlan & {
  readonly serverSide: 'enabled' | 'disabled' | 'auto';
  readonly force: boolean;
  readonly cleanupOnFail: boolean;
};

export type UninstallPlan = OperationPlan & {
  readonly keepHistory: boolean;
  readonly cascade: 'background' | 'foreground' | 'orphan';
};

export type TestPlan = {
  readonly enabled: boolean;
  readonly timeoutMs: number;
  readonly ignoreFailures: boolean;
  readonly filters: readonly { readonly name: string; readonly exclude: boolean }[];
};

/** Where values come from besides `values`. */
export type ValuesReference = {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
  readonly key: string;
  readonly targetPath?: string;
  readonly literal: boolean;
  readonly optional: boolean;
};

/** Whose permissions are used, and in which cluster; both absent: the operator's own. */
export type TargetClusterPlan = {
  /** Name of a ServiceAccount in the namespace of the HelmRelease. */
  readonly serviceAccount?: string;
  /** Secret beside the HelmRelease that holds a kubeconfig. */
  readonly kubeConfig?: { readonly name: string; readonly key?: string };
};

/** A release that must be ready first: by its Ready condition or, when given, by `readyExpr` over `self` and `dep`. */
export type DependencyPlan = { readonly name: string; readonly namespace?: string; readonly readyExpr?: CelCondition };

/** A HelmRelease spec with every default filled in. */
export type ReleasePlan = {
  readonly source: ChartReference | ChartTemplate;
  readonly intervalMs: number;
  readonly maxHistory: number;
  readonly dependsOn: readonly DependencyPlan[];
  readonly target: TargetClusterPlan;
  readonly drift: DriftPlan;
  readonly postRender: PostRenderPlan;
  readonly healthChecks: readonly HealthCheck[];
  readonly values: JsonObject;
  readonly valuesFrom: readonly ValuesReference[];
  readonly install: InstallPlan;
  readonly upgrade: UpgradePlan;
  readonly rollback: RollbackPlan;
  readonly uninstall: UninstallPlan;
  readonly test: TestPlan;
};

type Defaults = {
  readonly timeoutMs: number;
  readonly wait: 'watcher' | 'legacy';
  readonly ignoreTestFailures: boolean;
};

/** Read a spec: defaults as Flux has them, and every field that is wrong, unknown or not supported yet named at once. */
export function parseReleaseSpec(spec: HelmReleaseSpec): Result<ReleasePlan> {
  const problems: Problem[] = [];
  const reader = new SpecReader(spec, 'spec', problems);
  const wait = readWaitStrategy(reader);
  const timeoutMs = reader.durationMs('timeout') ?? 300_000;
  const test = readTest(reader.object('test'), timeoutMs);
  const defaults: Defaults = { timeoutMs, wait, ignoreTestFailures: test.ignoreFailures };
  for (const key of ['releaseName', 'targetNamespace']) reader.text(key);
  for (const key of ['suspend', 'persistentClient']) reader.boolean(key);
  readStorageNamespace(reader);
  const intervalMs = reader.durationMs('interval');
  if (intervalMs === undefined && !reader.has('interval')) reader.refuse('interval', 'is missing', 'for example 10m');
  const values = reader.value('values') ?? {};
  const plan: ReleasePlan = {
    source: readSource(reader),
    intervalMs: Math.max(1_000, intervalMs ?? 0),
    maxHistory: reader.integer('maxHistory') ?? 5,
    dependsOn: reader.list('dependsOn').map(readDependency),
    target: readTargetCluster(reader),
    drift: readDrift(reader.object('driftDetection')),
    postRender: readPostRendering(reader),
    healthChecks: readHealthChecks(reader),
    values: isMapping(values) ? values : {},
    valuesFrom: reader.list('valuesFrom').map(readValuesReference),
    install: readInstall(reader.object('install'), defaults),
    upgrade: readUpgrade(reader.object('upgrade'), defaults),
    rollback: readRollback(reader.object('rollback'), defaults),
    uninstall: readUninstall(reader.object('uninstall'), defaults),
    test,
  };
  if (!isMapping(values)) reader.refuse('values', 'must be a mapping');
  reader.close();
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: plan };
}

function isMapping(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readWaitStrategy(reader: SpecReader): 'watcher' | 'legacy' {
  const strategy = reader.object('waitStrategy');
  const name = strategy.choice('name', ['poller', 'legacy']);
  strategy.close();
  return name === 'legacy' ? 'legacy' : 'watcher';
}

/** helm keeps its records in the namespace of the release; another place would need a helm of our own. */
function readStorageNamespace(reader: SpecReader): void {
  const storage = reader.text('storageNamespace');
  const target = reader.text('targetNamespace');
  if (!storage || storage === target) return;
  reader.refuse(
    'storageNamespace',
    'must be the same as targetNamespace, where helm keeps its records',
    'leave it out',
  );
}

/** Which cluster, and as whom. */
function readTargetCluster(reader: SpecReader): TargetClusterPlan {
  const serviceAccount = reader.text('serviceAccountName');
  if (!reader.has('kubeConfig')) return serviceAccount ? { serviceAccount } : {};
  const config = reader.object('kubeConfig');
  config.unsupported('configMapRef', 'put a kubeconfig into a Secret and name it in secretRef');
  const reference = config.object('secretRef');
  const name = reference.text('name') ?? '';
  const key = reference.text('key');
  if (!name && !config.has('configMapRef')) config.refuse('secretRef', 'is missing or has no name');
  reference.close();
  config.close();
  return { ...(serviceAccount ? { serviceAccount } : {}), kubeConfig: { name, ...(key ? { key } : {}) } };
}

const chartKinds = ['OCIRepository', 'HelmChart', 'ExternalArtifact'] as const;

function readSource(reader: SpecReader): ReleasePlan['source'] {
  const templated = reader.has('chart');
  if (templated && reader.has('chartRef')) reader.refuse('chartRef', 'must not stand beside chart', 'keep one of them');
  if (templated) return readChartTemplate(reader.object('chart'), reader.text('interval') ?? '10m');
  const reference = reader.object('chartRef');
  const kind = reference.choice('kind', chartKinds);
  const name = reference.text('name') ?? '';
  const namespace = reference.text('namespace');
  reference.text('apiVersion');
  reference.close();
  if (!name || !reference.has('kind'))
    reader.refuse('chartRef', 'is missing or has no name', 'for example {kind: OCIRepository, name: …}');
  return { kind: kind ?? 'OCIRepository', name, ...(namespace ? { namespace } : {}) };
}

function readDependency(reader: SpecReader): DependencyPlan {
  const name = reader.text('name') ?? '';
  const namespace = reader.text('namespace');
  if (!name) reader.refuse('name', 'is missing');
  const readyExpr = readCondition(reader, 'readyExpr', ['self', 'dep']);
  reader.close();
  return { name, ...(namespace ? { namespace } : {}), ...(readyExpr ? { readyExpr } : {}) };
}

function readValuesReference(reader: SpecReader): ValuesReference {
  const kind = reader.choice('kind', ['ConfigMap', 'Secret']);
  const name = reader.text('name') ?? '';
  if (!kind && !reader.has('kind')) reader.refuse('kind', 'is missing', 'ConfigMap or Secret');
  if (!name) reader.refuse('name', 'is missing');
  const targetPath = reader.text('targetPath');
  const reference = {
    kind: kind ?? 'ConfigMap',
    name,
    key: reader.text('valuesKey') ?? 'values.yaml',
    ...(targetPath ? { targetPath } : {}),
    literal: reader.boolean('literal') ?? false,
    optional: reader.boolean('optional') ?? false,
  };
  reader.close();
  return reference;
}

function readOperation(reader: SpecReader, { timeoutMs, wait }: Defaults): OperationPlan {
  return {
    timeoutMs: reader.durationMs('timeout') ?? timeoutMs,
    wait: reader.boolean('disableWait') ? 'none' : wait,
    waitForJobs: !reader.boolean('disableWaitForJobs'),
    disableHooks: reader.boolean('disableHooks') ?? false,
  };
}

function readRelease(reader: SpecReader, defaults: Defaults, kind: 'install' | 'upgrade'): ReleaseOperation {
  return {
    ...readOperation(reader, defaults),
    crds: reader.choice('crds', ['Skip', 'Create', 'CreateReplace']) ?? (kind === 'install' ? 'Create' : 'Skip'),
    strategy: readStrategy(reader.object('strategy')),
    remediation: readRemediation(reader.object('remediation'), defaults, kind),
    disableOpenApiValidation: reader.boolean('disableOpenAPIValidation') ?? false,
    disableSchemaValidation: reader.boolean('disableSchemaValidation') ?? false,
    takeOwnership: !reader.boolean('disableTakeOwnership'),
  };
}

function readStrategy(reader: SpecReader): StrategyPlan {
  const name = reader.choice('name', ['RemediateOnFailure', 'RetryOnFailure']);
  const retryIntervalMs = reader.durationMs('retryInterval') ?? 300_000;
  reader.close();
  return name === 'RetryOnFailure' ? { name, retryIntervalMs } : { name: 'RemediateOnFailure' };
}

function readRemediation(reader: SpecReader, defaults: Defaults, kind: 'install' | 'upgrade'): RemediationPlan {
  const retries = reader.integer('retries') ?? 0;
  const strategy =
    kind === 'install' ? 'uninstall' : (reader.choice('strategy', ['rollback', 'uninstall']) ?? 'rollback');
  const plan: RemediationPlan = {
    retries,
    strategy,
    remediateLastFailure: reader.boolean('remediateLastFailure') ?? (kind === 'upgrade' && retries !== 0),
    ignoreTestFailures: reader.boolean('ignoreTestFailures') ?? defaults.ignoreTestFailures,
  };
  reader.close();
  return plan;
}

function readInstall(reader: SpecReader, defaults: Defaults): InstallPlan {
  const plan = {
    ...readRelease(reader, defaults, 'install'),
    serverSide: reader.boolean('serverSideApply') ?? true,
    createNamespace: reader.boolean('createNamespace') ?? false,
    replace: reader.boolean('replace') ?? false,
  };
  const skip = reader.boolean('skipCRDs');
  reader.close();
  return skip ? { ...plan, crds: 'Skip' } : plan;
}

const sides = ['enabled', 'disabled', 'auto'] as const;

function readUpgrade(reader: SpecReader, defaults: Defaults): UpgradePlan {
  const plan: UpgradePlan = {
    ...readRelease(reader, defaults, 'upgrade'),
    serverSide: reader.choice('serverSideApply', sides) ?? 'auto',
    force: reader.boolean('force') ?? false,
    preserveValues: reader.boolean('preserveValues') ?? false,
    cleanupOnFail: reader.boolean('cleanupOnFail') ?? false,
    chartNameChange: reader.choice('chartNameChangeStrategy', ['Reinstall', 'InPlaceUpdate']) ?? 'Reinstall',
  };
  reader.close();
  return plan;
}

function readRollback(reader: SpecReader, defaults: Defaults): RollbackPlan {
  const plan: RollbackPlan = {
    ...readOperation(reader, defaults),
    serverSide: reader.choice('serverSideApply', sides) ?? 'auto',
    force: reader.boolean('force') ?? false,
    cleanupOnFail: reader.boolean('cleanupOnFail') ?? false,
  };
  reader.boolean('recreate');
  reader.close();
  return plan;
}

function readUninstall(reader: SpecReader, defaults: Defaults): UninstallPlan {
  const plan: UninstallPlan = {
    ...readOperation(reader, defaults),
    keepHistory: reader.boolean('keepHistory') ?? false,
    cascade: reader.choice('deletionPropagation', ['background', 'foreground', 'orphan']) ?? 'background',
  };
  reader.close();
  return plan;
}

function readTest(reader: SpecReader, timeoutMs: number): TestPlan {
  const plan: TestPlan = {
    enabled: reader.boolean('enable') ?? false,
    timeoutMs: reader.durationMs('timeout') ?? timeoutMs,
    ignoreFailures: reader.boolean('ignoreFailures') ?? false,
    filters: reader.list('filters').map((filter) => {
      const name = filter.text('name') ?? '';
      const exclude = filter.boolean('exclude') ?? false;
      if (!name) filter.refuse('name', 'is missing');
      filter.close();
      return { name, exclude };
    }),
  };
  reader.close();
  return plan;
}
