import { field, type ValuesOf } from './field.ts';
import type { StatusBase } from './kind.ts';

const state = field.oneOf('How it stands.', ['Running', 'Succeeded', 'Failed', 'Superseded']);
const wish = field.map('What of the spec it is for, as hashes by plan.', field.text('A hash.'));

const run = field.object('The run under way, or else the last one.', {
  plan: field.text('Name of the plan.'),
  number: field.integer('Counts the runs of the object. Part of the names of their Workflows.'),
  phase: field.optional(field.text('Phase under way, or the last one.')),
  state,
});

const lastRun = field.object('The last run of a plan.', {
  state,
  number: field.integer('Number of the run.'),
  phase: field.optional(field.text('Phase under way, or the last one.')),
  startedAt: field.time('When it began.'),
  finishedAt: field.optional(field.time('When it ended.')),
  /** Of scheduled plans: the time that the run was due. */
  scheduledFor: field.optional(field.time('When it was due.')),
  wish,
});

/** Fields of the status of a kind whose work is done by plans: `status: { ...planStatus, … }`. */
export const planStatus = {
  run: field.optional(run),
  plans: field.optional(field.map('The last run of each plan.', lastRun)),
  installedAt: field.optional(field.time('When the install plan first succeeded.')),
  applied: field.optional(field.map('What of the spec is in effect, as hashes by plan.', field.text('A hash.'))),
  triggered: field.optional(field.text('The last request to run a plan by hand that was followed.')),
} as const;

export type PlanStatus = ValuesOf<typeof planStatus> & StatusBase;
export type PlanRun = NonNullable<PlanStatus['run']>;
export type LastRun = NonNullable<PlanStatus['plans']>[string];
