import type { StepView as RecordedStep } from '@sluice/trigger';
import type { StepView } from './view.ts';

/** Times steps by when they were seen to begin and end: Kubernetes itself records whole seconds only. */
export class Stopwatch {
  readonly #seen = new Map<string, { startedMs: number; finishedMs?: number }>();

  /** The steps with the times at which they were first seen in their states. */
  time(steps: readonly RecordedStep[], now: number): StepView[] {
    return steps.map(({ name, phase, message, startedAt, finishedAt }) => {
      const view = { name, phase, ...(message ? { message } : {}) };
      if (!startedAt) return view;
      const seen = this.#seen.get(name) ?? { startedMs: now };
      if (finishedAt) seen.finishedMs ??= now;
      this.#seen.set(name, seen);
      return { ...view, ...seen };
    });
  }
}
