/** What one artifact may take. */
export type ArtifactLimits = {
  /** Bytes of all its files together, unpacked. */
  readonly maxBytes: number;
  readonly maxEntries: number;
};

/** 16 GiB in 200,000 entries. */
export const defaultLimits: ArtifactLimits = Object.freeze({ maxBytes: 16 * 2 ** 30, maxEntries: 200_000 });
