import { type ObjectKey, resources } from '@sluice/model';
import {
  type Controller,
  createController,
  isControlledBy,
  isKubeError,
  ownerKeys,
  type ReconcileResult,
} from '@sluice/reconcile';
import { buildCronRun, type CronJob, cronJobStatus, decideCronJob } from './cron-job.ts';
import type { Job } from './job.ts';
import { deleteObject, type ManagerContext, namespaceOf, writeStatus } from './manager-context.ts';

/** Starts jobs by the clock. */
export function cronJobController(context: ManagerContext): Controller {
  const { kube, informers, log, events, now } = context;
  const cronJobs = informers.informer<CronJob>(resources.cronJobs);
  const jobs = informers.informer<Job>(resources.jobs);

  async function reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const cronJob = cronJobs.get(key);
    if (!cronJob || cronJob.metadata.deletionTimestamp) return {};
    const owned = jobs.list(namespaceOf(key)).filter((job) => isControlledBy(job, cronJob));
    const { start, remove, notes, lookInMs } = decideCronJob(cronJob, owned, now());
    for (const { type, reason, message } of notes) events.event(cronJob, type, reason, message);
    for (const job of remove) {
      await deleteObject(context, resources.jobs, job, signal);
      events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
    }
    const left = owned.filter((job) => !remove.includes(job));
    const started = start && (await run(cronJob, start, signal));
    const status = cronJobStatus(cronJob, started ? [...left, started] : left, start);
    await writeStatus(context, resources.cronJobs, cronJob, status, signal);
    return lookInMs === undefined ? {} : { requeueAfterMs: lookInMs };
  }

  async function run(cronJob: CronJob, due: Date, signal: AbortSignal): Promise<Job | undefined> {
    try {
      const job = await kube.create(resources.jobs, buildCronRun(cronJob, due), { signal });
      events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
      return job;
    } catch (error) {
      if (isKubeError(error, 'AlreadyExists')) return undefined;
      throw error;
    }
  }

  return createController({
    name: 'cronjob',
    informers,
    log,
    reconcile,
    watches: [{ resource: resources.cronJobs }, { resource: resources.jobs, keysOf: ownerKeys('CronJob', 'batch') }],
  });
}
