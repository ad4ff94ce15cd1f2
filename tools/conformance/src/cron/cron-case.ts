import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject, KubeObject } from '@sluice/model';
import type { CronWorkflow, Workflow } from '@sluice/workflow';
import { parse } from 'yaml';

/** One file of the suite, as README.md of the corpus describes it. */
export type CronCase = { readonly name: string; readonly features: readonly string[] } & (
  | {
      readonly type: 'schedule';
      readonly schedules: readonly string[];
      readonly timezone?: string;
      readonly after: string;
      readonly times: readonly string[];
    }
  | {
      readonly type: 'when';
      readonly now: string;
      readonly evaluate: readonly {
        readonly lastScheduledTime: string | null;
        readonly when: string;
        readonly result: boolean;
      }[];
    }
  | CronRun
);

export type CronRun = {
  readonly type: 'run';
  readonly cronWorkflow: CronWorkflow;
  readonly objects?: readonly KubeObject[];
  readonly start: string;
  readonly play: readonly CronEntry[];
};

export type CronEntry = {
  readonly advanceTo?: string;
  readonly finish?: { readonly workflow: string; readonly phase: NonNullable<Workflow['status']>['phase'] };
  readonly deleteWorkflow?: string;
  readonly patch?: JsonObject;
  readonly expect?: Readonly<Record<string, unknown>>;
};

/** The cases of a directory, by name. Throws for a file that cannot be read. */
export function readCronCases(directory: string): readonly CronCase[] {
  const files = readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .toSorted();
  return files.map((file) => parse(readFileSync(join(directory, file), 'utf8')) as CronCase);
}
