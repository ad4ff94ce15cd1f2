import type { KubeObject } from '@sluice/model';
import type { WorkflowCondition, WorkflowSpec } from '../workflow-types.ts';

export type CronSpec = {
  readonly schedules?: readonly string[];
  /** Of 3.x: one schedule, taken for a list of one. */
  readonly schedule?: string;
  readonly timezone?: string;
  readonly when?: string;
  readonly suspend?: boolean;
  readonly concurrencyPolicy?: string;
  readonly startingDeadlineSeconds?: number;
  readonly successfulJobsHistoryLimit?: number;
  readonly failedJobsHistoryLimit?: number;
  readonly stopStrategy?: { readonly expression?: string; readonly condition?: string };
  readonly workflowMetadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly workflowSpec?: WorkflowSpec;
};

/** A run that a CronWorkflow knows to be under way. */
export type ActiveRun = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
};

export type CronStatus = {
  readonly active?: readonly ActiveRun[];
  readonly lastScheduledTime?: string | null;
  readonly phase?: string;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly conditions?: readonly WorkflowCondition[];
};

/** A workflow that is run by the clock. */
export type CronWorkflow = KubeObject<CronSpec, CronStatus>;

/** The schedules of a CronWorkflow, the singular one of 3.x too. */
export function schedulesOf({ schedules, schedule }: CronSpec): readonly string[] {
  if (schedules && schedules.length > 0) return schedules;
  return schedule ? [schedule] : [];
}

/** The schedules as they are noted on the object: each with its time zone before it. */
export function scheduleTexts(spec: CronSpec): readonly string[] {
  const { timezone } = spec;
  return schedulesOf(spec).map((schedule) => (timezone ? `CRON_TZ=${timezone} ${schedule}` : schedule));
}
