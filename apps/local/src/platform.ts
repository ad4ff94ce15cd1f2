import { deliveriesQueue, parseDeliveryJob, start as startReceiver } from '@sluice/webhook-receiver';
import { connectMirrors, createForges, orchestratorDefaults, start as startOrchestrator } from '@sluice/orchestrator';
import { localPlugin } from '@sluice/artifacts';
import { createHelm, findHelm, findKubectl } from '@sluice/helm';
import {
  clusterAccess,
  defaultConfig as helmOperatorDefaults,
  start as startHelmOperator,
} from '@sluice/helm-operator';
import { loadKubeconfig } from '@sluice/kube';
import { createOciClient } from '@sluice/oci';
import { createEmbeddedQueues } from '@sluice/queue';
import type { Secret } from '@sluice/runtime';
import { defaultConfig as workflowDefaults, start as startWorkflowController } from '@sluice/workflow-controller';
import { cacheDirectory } from './data-directory.ts';
import type { Foundation } from './local.ts';
import { fillToolsDirectory } from './tools-directory.ts';

type Addresses = {
  readonly kubeconfig: string;
  readonly registryUrl: string;
  /** Of the local forge; opens the delivery log too. */
  readonly token: Secret;
};

/** Artifacts of workflows whose namespace names no repository lie in the data directory. */
const localRepository = { plugin: { name: localPlugin } };

/** Start every Sluice app over the embedded cluster, each through its own `start`. Answers the receiver's URL. */
export async function startPlatform(foundation: Foundation, addresses: Addresses): Promise<string> {
  const { config, data, store, kube, log, now, closers } = foundation;
  const queues = createEmbeddedQueues({ store, now, onError: (error) => log.error('queue write failed', { error }) });
  closers.add(() => queues.close());
  const deliveries = queues.queue(deliveriesQueue, parseDeliveryJob);

  const controller = await startWorkflowController(
    { ...workflowDefaults, artifactRepository: localRepository },
    {
      kube,
      log: log.with({ part: 'workflow-controller' }),
      now,
    },
  );
  closers.add(() => controller.close());
  await startHelm(foundation, addresses);

  const mirrors = await connectMirrors({
    directory: data.directory('mirrors'),
    path: config.env['PATH'] ?? '',
    privateHosts: [config.host],
    log,
  });
  const orchestrator = await startOrchestrator(
    { ...orchestratorDefaults, registry: new URL(addresses.registryUrl).host, registryInsecure: true },
    { kube, deliveries, forges: createForges(now), mirrors, log: log.with({ part: 'orchestrator' }), now },
  );
  closers.add(() => orchestrator.close());

  const receiver = await startReceiver(
    { host: config.host, port: config.ports.receiver, logToken: addresses.token },
    { kube, deliveries, log: log.with({ part: 'receiver' }), now },
  );
  closers.add(() => receiver.close());
  return receiver.url;
}

/** The helm operator with the user's helm or the bundled one. */
async function startHelm(
  { config, data, kube, log, now, closers }: Foundation,
  { kubeconfig }: Addresses,
): Promise<void> {
  const options = { env: config.env, cacheDirectory: cacheDirectory(config.env) };
  const [binary, kubectl] = await Promise.all([findHelm(options), findKubectl(options).catch(() => undefined)]);
  fillToolsDirectory(data.directory('bin'), { helm: binary.path, ...(kubectl ? { kubectl: kubectl.path } : {}) });
  const helm = await createHelm({
    binary: binary.path,
    kubeconfig,
    workDirectory: data.directory('helm'),
    log: log.with({ part: 'helm' }),
  });
  const operator = await startHelmOperator(helmOperatorDefaults, {
    kube,
    helm,
    clusters: clusterAccess(await loadKubeconfig({ path: kubeconfig, env: {} }), data.directory('kubeconfigs')),
    oci: createOciClient,
    artifactDirectory: data.directory('artifacts'),
    log: log.with({ part: 'helm-operator' }),
    now,
  });
  closers.add(() => operator.close());
}
