/** Times of restarting, in milliseconds. */
export type BackoffConfig = {
  /** Wait before the second restart in a row; doubled for each further one. The first restart is immediate. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** A run at least this long forgets the crashes before it. */
  readonly resetMs: number;
};

/** What Kubernetes does: 10 s doubling to 5 min, forgotten after 10 min. */
export const defaultBackoff: BackoffConfig = Object.freeze({ baseMs: 10_000, maxMs: 300_000, resetMs: 600_000 });

/** How long to wait after the `crashes`-th end in a row (1 = the first) before the container is started again. */
export function restartDelayMs(crashes: number, config: BackoffConfig): number {
  if (crashes <= 1) return 0;
  return Math.min(config.maxMs, config.baseMs * 2 ** Math.min(crashes - 2, 30));
}

/** How long to wait after the `failures`-th failed start (1 = the first): an image or a ConfigMap that is not there. */
export function retryDelayMs(failures: number, config: BackoffConfig): number {
  return Math.min(config.maxMs, (config.baseMs / 10) * 2 ** Math.min(Math.max(0, failures - 1), 30));
}

/** `10s`, `2m40s`: the way Kubernetes writes back-offs. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 1) return `${Math.round(ms)}ms`;
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}
