export type TokenBucketOptions = {
  /** Tokens that come back each second. */
  readonly perSecond: number;
  /** Tokens that may be taken at once. */
  readonly burst: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
};

/** A rate limit that never refuses: it says how long to wait. Whoever asks gets the next free place in line. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #now: () => number;
  #tokens: number;
  #atMs: number;

  constructor(options: TokenBucketOptions) {
    if (!(options.perSecond > 0) || !(options.burst >= 1)) {
      throw new Error(`rate limit: perSecond must be above 0 and burst at least 1, not ${JSON.stringify(options)}`);
    }
    this.#perMs = options.perSecond / 1_000;
    this.#burst = options.burst;
    this.#now = options.now ?? (() => performance.now());
    this.#tokens = options.burst;
    this.#atMs = this.#now();
  }

  /** Take a token, on credit if need be. Returns the milliseconds until it is there; 0 while the burst lasts. */
  reserve(): number {
    const nowMs = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    this.#tokens--;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs;
  }

  /** Give back a token whose wait was broken off. */
  refund(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }
}
