import type { Probe } from '../pod/pod-spec.ts';
import { newProbeState, nextProbeState, type ProbeState, probeTimeoutMs } from '../pod/probe-decision.ts';
import type { Outcome } from './http-probe.ts';

export type ProbeRunnerOptions = {
  readonly probe: Probe;
  readonly now: () => number;
  readonly perform: (timeoutMs: number) => Promise<Outcome>;
  /** Called when the verdict changes, and with each failure of a probe whose verdict is not good. */
  readonly onVerdict: (verdict: boolean, message: string) => void;
  readonly onFailure: (message: string) => void;
};

/** Runs one probe over and over until it is closed. At most one attempt is under way. */
export class ProbeRunner {
  readonly #options: ProbeRunnerOptions;
  #state: ProbeState;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ProbeRunnerOptions) {
    this.#options = options;
    this.#state = newProbeState(options.probe, options.now());
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#closed) return;
    const wait = Math.max(0, this.#state.nextAt - this.#options.now());
    this.#timer = setTimeout(() => void this.#attempt(), wait);
  }

  async #attempt(): Promise<void> {
    const { probe, perform, now, onVerdict, onFailure } = this.#options;
    const outcome = await perform(probeTimeoutMs(probe));
    if (this.#closed) return;
    const before = this.#state.verdict;
    this.#state = nextProbeState(probe, this.#state, outcome.ok, now());
    if (!outcome.ok) onFailure(outcome.message);
    const { verdict } = this.#state;
    if (verdict !== undefined && verdict !== before) onVerdict(verdict, outcome.message);
    this.#schedule();
  }
}
