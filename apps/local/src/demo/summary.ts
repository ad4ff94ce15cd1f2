/** Options of `sluice demo`. */
export type DemoOptions = {
  /** Directory of the sample repository. */
  readonly sample: string;
  /** Scratch directory; emptied. */
  readonly workDirectory: string;
  /** Fires when the user stops the demo. */
  readonly signal: AbortSignal;
  readonly now: () => number;
};

/** One step of a run in the summary. Times are RFC 3339. */
export type SummaryStep = {
  readonly name: string;
  readonly phase: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
};

export type SummaryCheck = {
  readonly name: string;
  readonly status: string;
  readonly conclusion?: string;
  readonly title: string;
};

export type SummaryRun = {
  readonly sha: string;
  readonly pipeline: string;
  readonly phase: string;
  readonly steps: readonly SummaryStep[];
  readonly checks: readonly SummaryCheck[];
};

export type SummaryRelease = {
  readonly name: string;
  readonly revision: number;
  readonly status: string;
  readonly chartDigest: string;
  readonly imageDigest: string;
};

/** What `sluice demo --output json` prints. Milliseconds; a time that was not reached is absent. */
export type DemoSummary = {
  readonly ok: boolean;
  readonly error?: string;
  readonly runs: readonly SummaryRun[];
  readonly releases: readonly SummaryRelease[];
  readonly timings: {
    readonly readyMs: number;
    readonly pushToFirstStepMs?: number;
    readonly pushToReleasedMs?: number;
    readonly totalMs?: number;
  };
};
