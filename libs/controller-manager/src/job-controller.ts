import { keyText, type ObjectKey, resources } from '@sluice/model';
import {
  type Controller,
  createController,
  Expectations,
  isKubeError,
  ownerKeys,
  type ReconcileResult,
} from '@sluice/reconcile';
import { claimChildren, decideClaims } from './claim-children.ts';
import { buildPod, inGrowingBatches } from './create-pods.ts';
import { decideJob, finishedCondition, type Job } from './job.ts';
import { failuresOfIndex } from './job-counts.ts';
import { indexAnnotation, indexFailuresAnnotation, isIndexed } from './job-indexes.ts';
import { deleteObject, type ManagerContext, namespaceOf, writeStatus } from './manager-context.ts';
import { isNamespaceTerminating } from './replica-set-controller.ts';
import { type Pod, toJson } from './workload.ts';

/** Runs jobs to their completion. */
export function jobController(context: ManagerContext): Controller {
  const { kube, informers, log, events, now } = context;
  const jobs = informers.informer<Job>(resources.jobs);
  const pods = informers.informer<Pod>(resources.pods);
  const expectations = new Expectations(pods, { now });

  async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const job = jobs.get(key);
    if (!job) {
      expectations.forget(keyText(key));
      return {};
    }
    if ((job.spec?.managedBy ?? ownName) !== ownName || job.metadata.deletionTimestamp) return {};
    if (finishedCondition(job)) return expire(job, signal);
    const claims = decideClaims(job, job.spec?.selector, pods.list(namespaceOf(key)));
    const owned = await claimChildren(kube, resources.pods, job, claims);
    if (!expectations.satisfied(keyText(key))) return {};
    const { status, create, remove, lookInMs } = decideJob(job, owned, now());
    for (const pod of remove) {
      await deleteObject(context, resources.pods, pod, signal);
      expectations.deleted(keyText(key), pod);
    }
    const build = (index: number | undefined): Pod => buildJobPod(job, index, owned);
    await createPods(job, create, build, signal);
    await writeStatus(context, resources.jobs, job, status, signal);
    announce(job, status.conditions ?? []);
    return lookInMs === undefined ? {} : { requeueAfterMs: lookInMs };
  }

  async function createPods(
    job: Job,
    indexes: readonly (number | undefined)[],
    build: (index: number | undefined) => Pod,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await inGrowingBatches(indexes, async (index) => {
        const pod = await kube.create<Pod>(resources.pods, build(index), { signal });
        expectations.created(keyText(job.metadata), pod);
        events.event(job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      });
    } catch (error) {
      if (isKubeError(error, 'Forbidden') && isNamespaceTerminating(error.status)) return;
      const why = error instanceof Error ? error.message : String(error);
      events.event(job, 'Warning', 'FailedCreate', `Error creating pod: ${why}`);
      throw error;
    }
  }

  /** A finished job goes when its time to live is over. */
  async function expire(job: Job, signal: AbortSignal): Promise<ReconcileResult> {
    const seconds = job.spec?.ttlSecondsAfterFinished;
    if (seconds === undefined) return {};
    const endedMs = Date.parse(finishedCondition(job)?.lastTransitionTime ?? '');
    const leftMs = endedMs + seconds * 1_000 - now();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    await deleteObject(context, resources.jobs, job, signal, 'Foreground');
    return {};
  }

  function announce(
    job: Job,
    conditions: readonly { readonly type: string; readonly reason?: string; readonly message?: string }[],
  ) {
    const ended = conditions.find(({ type }) => type === 'Complete' || type === 'Failed');
    if (!ended) return;
    if (ended.type === 'Complete') events.event(job, 'Normal', 'Completed', 'Job completed');
    else events.event(job, 'Warning', ended.reason ?? 'Failed', ended.message ?? '');
  }

  return createController({
    name: 'job',
    informers,
    log,
    reconcile,
    watches: [{ resource: resources.jobs }, { resource: resources.pods, keysOf: ownerKeys('Job', 'batch') }],
  });
}

const ownName = 'kubernetes.io/job-controller';

/** The pod of a job; that of an index is told which one it is, and how often it has failed. */
export function buildJobPod(job: Job, index: number | undefined, pods: readonly Pod[]): Pod {
  const pod = buildPod(job, job.spec?.template);
  if (index === undefined || !isIndexed(job)) return pod;
  const value = String(index);
  const { labels, annotations } = pod.metadata;
  const limited = job.spec?.backoffLimitPerIndex !== undefined;
  const failures = limited ? { [indexFailuresAnnotation]: String(failuresOfIndex(job, pods, index)) } : {};
  const variable = { name: 'JOB_COMPLETION_INDEX', value };
  const withIndex = (containers: readonly Record<string, unknown>[] = []) =>
    containers.map((container) => ({ ...container, env: [...((container['env'] as unknown[]) ?? []), variable] }));
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      generateName: `${job.metadata.name}-${value}-`,
      labels: { ...labels, [indexAnnotation]: value },
      annotations: { ...annotations, [indexAnnotation]: value, ...failures },
    },
    spec: {
      ...pod.spec,
      hostname: `${job.metadata.name}-${value}`,
      containers: toJson(withIndex(pod.spec?.containers)) as NonNullable<Pod['spec']>['containers'] & object,
      ...(pod.spec?.initContainers && {
        initContainers: toJson(withIndex(pod.spec.initContainers)) as NonNullable<Pod['spec']>['containers'] & object,
      }),
    },
  };
}
