import { AsyncLocalStorage } from 'node:async_hooks';
import { type Timer, TimerHeap } from './timer-heap.ts';

/** A process of the simulation: what is run in it owns its timers, so that it can be stopped as SIGSTOP stops one. */
export type SimulatedProcess = {
  /** Run code as part of this process. */
  run<T>(work: () => T): T;
  /**
   * From now on none of its timers rings, and what comes from outside waits. Its clocks go on; asleep, as a machine may be,
   * only the wall's does, and its timers come later by what it slept.
   */
  pause(how: 'stopped' | 'asleep'): void;
  /** Timers that came due meanwhile ring in their order; then what came from outside arrives. */
  resume(): void;
  /** Resolves once the process is not paused. */
  awake(): Promise<void>;
};

/** Time of a simulation: timers, clocks and chance of the whole process belong to it until `restore`. */
export type SimulatedTime = {
  now(): number;
  /** Let time pass; every timer rings at its time, and what it sets off runs before the next. */
  advance(ms: number): Promise<void>;
  process(): SimulatedProcess;
  /** Run code that belongs to no simulated process, called from one: the network and the server behind it. */
  outside<T>(work: () => T): T;
  /** Give Node its clocks back. */
  restore(): void;
};

const startMs = Date.UTC(2030, 0, 1);
/** Timers within one simulated minute; far above what the scenarios need, so more of them is a loop without a wait. */
const maxTimersEachMinute = 30_000;

type Owner = {
  paused: PromiseWithResolvers<void> | undefined;
  asleepSinceMs: number | undefined;
  sleptMs: number;
  readonly due: Timer<Owner | undefined>[];
};

/**
 * Take over setTimeout, setInterval, Date.now, performance.now and Math.random: what is played depends on nothing but the
 * random numbers given. Only for a Node process that does nothing else meanwhile.
 */
export function simulateTime(random: () => number): SimulatedTime {
  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
  const realNow = Date.now;
  const realPerformanceNow = performance.now.bind(performance);
  const realRandom = Math.random;
  const owners = new AsyncLocalStorage<Owner | undefined>();
  const timers = new TimerHeap<Owner | undefined>();
  const budget = timerBudget();
  let nowMs = 0;

  function add(run: (...args: unknown[]) => void, delayMs: number, args: unknown[], repeat: boolean) {
    const waitMs = Math.max(1, Number(delayMs) || 1);
    const owner = owners.getStore();
    const ring = (): void => owners.run(owner, () => run(...args));
    const { sleptMs = 0 } = owner ?? {};
    return timers.add({ atMs: nowMs + waitMs, everyMs: repeat ? waitMs : undefined, sleptMs, owner, run: ring });
  }

  function clear(handle: unknown): void {
    if (typeof handle === 'object' && handle !== null) timers.remove(Number(handle));
  }

  Object.assign(globalThis, {
    setTimeout: (run: () => void, delayMs = 0, ...args: unknown[]) => add(run, delayMs, args, false),
    setInterval: (run: () => void, delayMs = 0, ...args: unknown[]) => add(run, delayMs, args, true),
    clearTimeout: clear,
    clearInterval: clear,
  });
  Date.now = () => startMs + nowMs;
  performance.now = () => nowMs - (owners.getStore()?.sleptMs ?? 0);
  Math.random = random;

  async function advance(ms: number): Promise<void> {
    const untilMs = nowMs + ms;
    await settle();
    for (let next = timers.takeDue(untilMs); next; next = timers.takeDue(untilMs)) {
      nowMs = Math.max(nowMs, next.atMs);
      const { owner } = next;
      if (owner?.paused) {
        owner.due.push(next);
        continue;
      }
      if (owner && owner.sleptMs > next.sleptMs) {
        timers.putBack({ ...next, atMs: next.atMs + owner.sleptMs - next.sleptMs, sleptMs: owner.sleptMs });
        continue;
      }
      budget(nowMs);
      timers.again(next, nowMs);
      next.run();
      await settle();
    }
    nowMs = untilMs;
  }

  return {
    now: () => nowMs,
    advance,
    outside: (work) => owners.run(undefined, work),
    process: () => processOf(owners, timers, () => nowMs),
    restore() {
      Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
      Date.now = realNow;
      performance.now = realPerformanceNow;
      Math.random = realRandom;
    },
  };
}

function processOf(
  owners: AsyncLocalStorage<Owner | undefined>,
  timers: TimerHeap<Owner | undefined>,
  now: () => number,
): SimulatedProcess {
  const owner: Owner = { paused: undefined, asleepSinceMs: undefined, sleptMs: 0, due: [] };
  return {
    run: (work) => owners.run(owner, work),
    pause(how) {
      owner.paused ??= Promise.withResolvers<void>();
      if (how === 'asleep') owner.asleepSinceMs ??= now();
    },
    resume() {
      const { paused } = owner;
      if (!paused) return;
      owner.paused = undefined;
      if (owner.asleepSinceMs !== undefined) owner.sleptMs += now() - owner.asleepSinceMs;
      owner.asleepSinceMs = undefined;
      for (const timer of owner.due.splice(0)) timers.putBack(timer);
      // Made last, so it rings after all of those.
      timers.add({ atMs: now(), everyMs: undefined, sleptMs: 0, owner: undefined, run: () => paused.resolve() });
    },
    async awake() {
      while (owner.paused) await owner.paused.promise;
    },
  };
}

/** Let everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Throws when a minute has more timers than any run needs: a simulation that does not end is a failure, not a long test. */
function timerBudget(): (nowMs: number) => void {
  let minute = 0;
  let count = 0;
  return (nowMs) => {
    const current = Math.floor(nowMs / 60_000);
    count = current === minute ? count + 1 : 1;
    minute = current;
    if (count > maxTimersEachMinute) {
      throw new Error(
        `minute ${minute} of the simulation had more than ${maxTimersEachMinute} timers: something spins`,
      );
    }
  };
}
