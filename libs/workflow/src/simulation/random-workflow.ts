import { makeTemplate, makeWorkflow } from './builders.ts';
import type { Step, Task, Template, Workflow } from '../workflow-types.ts';

/** Lots for a simulation; all of them come from one seed. */
export class Lots {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** True that often. */
  chance(share: number): boolean {
    return this.#random() < share;
  }

  /** A whole number from 0 up to but without `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  /** The value that often, else nothing. */
  maybe<T extends object>(share: number, value: () => T): T | Record<never, never> {
    return this.chance(share) ? value() : {};
  }
}

const leaves = ['work', 'flaky', 'slow', 'locked', 'cached', 'set', 'result'] as const;

function leafTemplates(lots: Lots): readonly Template[] {
  const backoff = { duration: '5s', factor: 2, ...lots.maybe(0.5, () => ({ maxDuration: '2m' })) };
  return [
    makeTemplate('work'),
    makeTemplate('result'),
    makeTemplate('flaky', {
      retryStrategy: { limit: lots.below(4), retryPolicy: 'Always', ...lots.maybe(0.5, () => ({ backoff })) },
    }),
    makeTemplate('slow', lots.chance(0.5) ? { timeout: '5m' } : { pendingTimeout: '3m' }),
    makeTemplate('locked', { synchronization: { mutexes: [{ name: 'one' }] } }),
    makeTemplate('cached', { memoize: { key: `key-${lots.below(3)}`, cache: { configMap: { name: 'cache' } } } }),
    {
      name: 'set',
      containerSet: {
        containers: [
          { name: 'main', image: 'tools' },
          { name: 'last', image: 'tools', dependencies: ['main'] },
        ],
      },
    },
    { name: 'pause', suspend: lots.chance(0.5) ? { duration: '1m' } : {} },
    makeTemplate('server', { daemon: true }),
  ];
}

function randomCall(lots: Lots, nested: readonly string[]): Omit<Step, 'name'> {
  const template = lots.chance(0.3) && nested.length > 0 ? nested[lots.below(nested.length)] : lots.pick(leaves);
  return {
    template: lots.chance(0.06) ? 'pause' : lots.chance(0.05) ? 'server' : (template ?? 'work'),
    ...lots.maybe(0.2, () => ({ withItems: Array.from({ length: 1 + lots.below(4) }, (_, index) => index) })),
    ...lots.maybe(0.1, () => ({ withSequence: { count: lots.below(4) } })),
    ...lots.maybe(0.2, () => ({ continueOn: { failed: true, error: lots.chance(0.5) } })),
    ...lots.maybe(0.1, () => ({ when: lots.chance(0.5) ? '1 == 2' : '1 == 1' })),
    ...lots.maybe(0.1, () => ({ hooks: { exit: { template: 'work' } } })),
    ...lots.maybe(0.05, () => ({ onExit: 'flaky' })),
  };
}

/** A loop has one source of items. */
function single<T extends Step>(call: T): T {
  const { withSequence: _sequence, ...rest } = call;
  return call.withItems && call.withSequence ? (rest as T) : call;
}

function randomDag(lots: Lots, name: string, nested: readonly string[]): Template {
  const tasks = Array.from({ length: 1 + lots.below(6) }, (_, index): Task => {
    const earlier = Array.from({ length: index }, (__, other) => `t${other}`).filter(() => lots.chance(0.4));
    const depends = earlier.map((other) => `${other}${lots.pick(['', '', '.Succeeded', '.Failed', '.Errored'])}`);
    const { continueOn, ...call } = randomCall(lots, nested);
    const enhanced = lots.chance(0.4);
    return single({
      name: `t${index}`,
      ...call,
      ...(!enhanced && continueOn ? { continueOn } : {}),
      ...(earlier.length === 0 ? {} : enhanced ? { depends: depends.join(' || ') } : { dependencies: earlier }),
    });
  });
  const target = lots.maybe(0.15, () => ({ target: `t${lots.below(tasks.length)}` }));
  return { name, dag: { tasks, ...lots.maybe(0.3, () => ({ failFast: false })), ...target }, ...limits(lots) };
}

function randomSteps(lots: Lots, name: string, nested: readonly string[]): Template {
  let count = 0;
  const steps = Array.from({ length: 1 + lots.below(3) }, () =>
    Array.from({ length: 1 + lots.below(3) }, (): Step => single({ name: `s${count++}`, ...randomCall(lots, nested) })),
  );
  return { name, steps, ...limits(lots) };
}

function limits(lots: Lots): Partial<Template> {
  return lots.maybe(0.2, () => ({ parallelism: 1 + lots.below(2), ...lots.maybe(0.4, () => ({ failFast: true })) }));
}

/** A workflow of everything that the engine decides about: nesting, loops, retries, locks, caches, hooks, limits. */
export function randomWorkflow(lots: Lots): Workflow {
  const inner = lots.chance(0.5) ? randomDag(lots, 'inner', []) : randomSteps(lots, 'inner', []);
  const middle = lots.chance(0.5) ? randomDag(lots, 'middle', ['inner']) : randomSteps(lots, 'middle', ['inner']);
  const nested = ['inner', 'middle'];
  const main = lots.chance(0.6) ? randomDag(lots, 'main', nested) : randomSteps(lots, 'main', nested);
  return makeWorkflow({
    entrypoint: 'main',
    ...lots.maybe(0.3, () => ({ onExit: lots.pick(['work', 'flaky', 'inner']) })),
    ...lots.maybe(0.25, () => ({ parallelism: 1 + lots.below(3) })),
    ...lots.maybe(0.15, () => ({ activeDeadlineSeconds: 60 + lots.below(1_800) })),
    ...lots.maybe(0.1, () => ({
      hooks: { running: { template: 'work', expression: 'workflow.status == "Running"' } },
    })),
    ...lots.maybe(0.15, () => ({
      synchronization: { semaphores: [{ configMapKeyRef: { name: 'limits', key: 'all' } }] },
    })),
    templates: [main, middle, inner, ...leafTemplates(lots)],
  });
}
