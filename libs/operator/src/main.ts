import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { formatProblems } from '@sluice/model';
import { createKubeApi, httpTransport, KubeconfigError, loadKubeconfig } from '@sluice/kube';
import { Closers, createLog, createMetrics, ListenError, type MetricsRegistry } from '@sluice/runtime';
import { applyDefinitions } from '@sluice/reconcile';
import { writeChart } from './chart-files.ts';
import { serveHealth } from './health.ts';
import { parseMainOptions, type RunOptions, usage } from './main-options.ts';
import { buildAccessManifests, buildDefinitions, toYaml } from './manifests.ts';
import { type Operator, start } from './operator.ts';
import { checkServed } from './served-kinds.ts';

/**
 * The program of an operator: `await runOperator(operator)` is a whole `main.ts`. Reads arguments and environment, works on any
 * kubeconfig, stands for election, serves health and metrics, ends with SIGTERM. `--help` says the rest.
 */
export async function runOperator(
  operator: Operator,
  args: readonly string[] = process.argv.slice(2),
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<void> {
  const parsed = parseMainOptions(args, env);
  if (!parsed.ok) {
    tell(`${formatProblems(parsed.problems)}\n\n${operator.name} COMMAND\n${usage}`);
    process.exitCode = 2;
    return;
  }
  const options = parsed.value;
  switch (options.command) {
    case 'help':
      process.stdout.write(`${operator.name} COMMAND\n${usage}`);
      return;
    case 'manifests': {
      const { namespace, only } = options;
      const access = buildAccessManifests(operator, { namespace, ...(only && { only }) });
      process.stdout.write(await toYaml([...buildDefinitions(operator), ...access]));
      return;
    }
    case 'chart': {
      const stale = await writeChart(operator, options.directory, options.check);
      for (const file of stale)
        tell(`${file} ${options.check ? 'is not as the operator says; write it with: chart' : 'written'}`);
      if (options.check && stale.length > 0) process.exitCode = 1;
      return;
    }
    case 'run':
      await run(operator, options, env);
      return;
    default:
      options satisfies never;
  }
}

async function run(
  operator: Operator,
  options: RunOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const closers = new Closers();
  try {
    await launch(operator, options, { env, closers });
  } catch (error) {
    tell(`${operator.name}: ${error instanceof Error ? error.message : String(error)}`);
    await closers.close().catch(() => undefined);
    process.exit(error instanceof KubeconfigError || error instanceof ListenError ? 2 : 1);
  }
}

type Surroundings = { readonly env: Readonly<Record<string, string | undefined>>; readonly closers: Closers };

async function launch(operator: Operator, options: RunOptions, { env, closers }: Surroundings): Promise<void> {
  const { kubeconfig, context, namespace, listen, logLevel } = options;
  const log = createLog({ level: logLevel });
  const access = await loadKubeconfig({ ...(kubeconfig && { path: kubeconfig }), ...(context && { context }), env });
  const transport = httpTransport(access);
  closers.add(() => transport.close());
  const metrics = await createMetrics();
  const kube = createKubeApi({ transport, fieldManager: operator.name, metrics, host: new URL(access.server).host });
  if (options.applyDefinitions) {
    const definitions = buildDefinitions(operator);
    await applyDefinitions(kube, definitions, { fieldManager: operator.name });
  }
  await checkServed(operator, kube, log);
  const health = await serveHealth(listen, metrics);
  closers.add(() => health.close());
  const leaseNamespace = options.leaseNamespace ?? access.namespace ?? 'default';
  const leaderElection = {
    lease: { namespace: leaseNamespace, name: operator.name },
    identity: `${hostname()}-${randomBytes(4).toString('hex')}`,
    // Somebody else leads: a fresh process is the simplest way to be sure that nothing of this one goes on.
    onLost: () => process.exit(1),
  };
  const running = await start(operator, {
    kube,
    log,
    metrics: metrics satisfies MetricsRegistry,
    ...(namespace && { namespace }),
    ...(options.leaderElection && { leaderElection }),
  });
  closers.add(() => running.close());
  health.ready();
  log.info('ready', { operator: operator.name, server: access.server, health: health.url });
  const stop = (): void => {
    log.info('stopping', { operator: operator.name });
    void closers.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
