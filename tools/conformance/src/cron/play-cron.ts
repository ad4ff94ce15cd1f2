import { resources } from '@sluice/model';
import { type CronWorkflow, evaluateCronWhen, formatTime, upcomingTimes, type Workflow } from '@sluice/workflow';
import { expectJson, type Outcome, passed, sameValue } from '../suite.ts';
import type { CronCase, CronEntry, CronRun } from './cron-case.ts';
import { CronWorld } from './cron-world.ts';

/** Play one case. */
export async function playCron(one: CronCase): Promise<Outcome> {
  if (one.type === 'schedule') {
    const { schedules, timezone, after, times } = one;
    const spec = { schedules, ...(timezone ? { timezone } : {}) };
    return expectJson(upcomingTimes(spec, Date.parse(after), times.length).map(formatTime), times);
  }
  if (one.type === 'run') return playRun(one);
  const answers = one.evaluate.map(({ lastScheduledTime, when }) => {
    const cron = { metadata: { name: 'cron' }, spec: { when }, status: { lastScheduledTime } } as CronWorkflow;
    const answer = evaluateCronWhen(cron, Date.parse(one.now));
    return answer.ok ? answer.value : answer.message;
  });
  return expectJson(
    answers,
    one.evaluate.map(({ result }) => result),
  );
}

async function playRun(run: CronRun): Promise<Outcome> {
  const world = new CronWorld(run);
  await world.settle();
  for (const [index, entry] of run.play.entries()) {
    if (entry.expect) {
      const problems = checkAll(world, entry.expect);
      if (problems.length > 0)
        return {
          result: 'failed',
          wanted: `play[${index}]: ${problems.map(({ wanted }) => wanted).join('; ')}`,
          got: problems.map(({ got }) => got).join('; '),
        };
      world.created = [];
    }
    await playEntry(world, entry);
  }
  return passed;
}

async function playEntry(world: CronWorld, entry: CronEntry): Promise<void> {
  const { namespace = '' } = world.key;
  if (entry.advanceTo) return world.advanceTo(Date.parse(entry.advanceTo));
  if (entry.patch) await world.kube.patch(resources.cronWorkflows, world.key, { type: 'merge', body: entry.patch });
  if (entry.deleteWorkflow) await world.kube.delete(resources.workflows, { namespace, name: entry.deleteWorkflow });
  if (entry.finish) {
    const { workflow, phase } = entry.finish;
    const body = {
      metadata: { labels: { 'workflows.argoproj.io/completed': 'true' } },
      status: { phase: phase ?? 'Succeeded', finishedAt: formatTime(world.now) },
    };
    await world.kube.patch(resources.workflows, { namespace, name: workflow }, { type: 'merge', body });
  }
  if (!entry.expect) await world.settle();
}

type Wrong = { readonly wanted: string; readonly got: string };
type Fields = Readonly<Record<string, unknown>>;

function checkAll(world: CronWorld, expected: Fields): readonly Wrong[] {
  return Object.entries(expected).flatMap(([key, wanted]) => {
    const check = checks[key];
    if (!check) return [{ wanted: 'a key that the player knows', got: key }];
    const got = check(world, wanted);
    return sameValue(got, wanted)
      ? []
      : [{ wanted: `${key} ${JSON.stringify(wanted)}`, got: JSON.stringify(got) ?? 'nothing' }];
  });
}

const namesOf = (workflows: readonly Workflow[]): readonly string[] =>
  workflows.map(({ metadata }) => metadata.name).toSorted();

/** The values that `wanted` names, null for those that are not there. */
function valuesFor(wanted: unknown, valueOf: (key: string) => unknown): Fields {
  return Object.fromEntries(Object.keys(wanted as Fields).map((key) => [key, valueOf(key) ?? null]));
}

/** For each Workflow that `wanted` names, the values that it asks for. */
function perWorkflow(world: CronWorld, wanted: unknown, valuesOf: (workflow: Workflow | undefined) => Fields): Fields {
  return Object.fromEntries(
    Object.entries(wanted as Readonly<Record<string, Fields>>).map(([name, values]) => {
      const found = valuesOf(world.workflows().find(({ metadata }) => metadata.name === name));
      return [name, valuesFor(values, (key) => found[key])];
    }),
  );
}

/** What there is, in the form in which it is wanted. */
const checks: Readonly<Record<string, (world: CronWorld, wanted: unknown) => unknown>> = {
  created: (world) => world.created,
  workflows: (world) => namesOf(world.workflows()),
  scheduledTimes: (world, wanted) =>
    valuesFor(
      wanted,
      (name) =>
        world.workflows().find(({ metadata }) => metadata.name === name)?.metadata.annotations?.[
          'workflows.argoproj.io/scheduled-time'
        ],
    ),
  workflowLabels: (world, wanted) => perWorkflow(world, wanted, (workflow) => workflow?.metadata.labels ?? {}),
  workflowAnnotations: (world, wanted) =>
    perWorkflow(world, wanted, (workflow) => workflow?.metadata.annotations ?? {}),
  workflowParameters: (world, wanted) =>
    perWorkflow(world, wanted, (workflow) =>
      Object.fromEntries((workflow?.spec?.arguments?.parameters ?? []).map(({ name, value }) => [name, value])),
    ),
  ownedByCron: (world, wanted) => {
    const { uid } = world.cron().metadata;
    const owned = world
      .workflows()
      .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid));
    return (wanted as readonly string[]).filter((name) => namesOf(owned).includes(name));
  },
  terminated: (world) => namesOf(world.workflows().filter(({ spec }) => spec?.shutdown === 'Terminate')),
  active: (world, wanted) => {
    const names = (world.cron().status?.active ?? []).map(({ name }) => name);
    const order = wanted as readonly string[];
    return names.toSorted((a, b) => order.indexOf(a) - order.indexOf(b));
  },
  lastScheduledTime: (world) => world.cron().status?.lastScheduledTime ?? null,
  phase: (world) => world.cron().status?.phase ?? '',
  succeeded: (world) => world.cron().status?.succeeded ?? 0,
  failed: (world) => world.cron().status?.failed ?? 0,
  conditions: (world, wanted) =>
    Object.fromEntries(
      Object.entries(wanted as Readonly<Record<string, readonly string[]>>).map(([type, parts]) => {
        const found = world.cron().status?.conditions?.find((one) => one.type === type && one.status === 'True');
        const message = (found?.message ?? '').replace(/\s+/g, ' ');
        return [type, parts.every((part) => message.includes(part.replace(/\s+/g, ' '))) && found ? parts : message];
      }),
    ),
  absentConditions: (world, wanted) => {
    const there = new Set(world.cron().status?.conditions?.map(({ type }) => type));
    return (wanted as readonly string[]).filter((type) => !there.has(type));
  },
  labels: (world, wanted) => valuesFor(wanted, (key) => world.cron().metadata.labels?.[key]),
  annotations: (world, wanted) => valuesFor(wanted, (key) => world.cron().metadata.annotations?.[key]),
};
