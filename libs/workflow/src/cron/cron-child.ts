import { formatTime } from '../pass.ts';
import type { Workflow } from '../workflow-types.ts';
import type { ActiveRun, CronWorkflow } from './cron-types.ts';

export const cronLabel = 'workflows.argoproj.io/cron-workflow';
export const scheduledTimeAnnotation = 'workflows.argoproj.io/scheduled-time';
/** Labels of the CronWorkflow that its runs take over: who made it, and which controller it is for. */
const inherited = [
  'workflows.argoproj.io/controller-instanceid',
  'workflows.argoproj.io/creator',
  'workflows.argoproj.io/creator-email',
  'workflows.argoproj.io/creator-preferred-username',
];

/** The name of the run of one scheduled time: the same time never runs twice. */
export function childNameOf(cron: CronWorkflow, scheduledAt: number): string {
  return `${cron.metadata.name}-${Math.floor(scheduledAt / 1_000)}`;
}

/** The run of a CronWorkflow for one scheduled time. */
export function buildCronChild(cron: CronWorkflow, scheduledAt: number): Workflow {
  const { metadata, spec = {} } = cron;
  const taken = Object.fromEntries(
    inherited.flatMap((label) => {
      const value = metadata.labels?.[label];
      return value === undefined ? [] : [[label, value]];
    }),
  );
  const { finalizers } = spec.workflowMetadata ?? {};
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: {
      name: childNameOf(cron, scheduledAt),
      ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
      labels: { ...spec.workflowMetadata?.labels, ...taken, [cronLabel]: metadata.name },
      annotations: { ...spec.workflowMetadata?.annotations, [scheduledTimeAnnotation]: formatTime(scheduledAt) },
      ...(finalizers ? { finalizers } : {}),
      ownerReferences: [
        {
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'CronWorkflow',
          name: metadata.name,
          uid: metadata.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: spec.workflowSpec ?? {},
  };
}

/** How a CronWorkflow's status names a run. */
export function activeRunOf({ metadata }: Workflow): ActiveRun {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    name: metadata.name,
    ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
    ...(metadata.uid ? { uid: metadata.uid } : {}),
    ...(metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {}),
  };
}
