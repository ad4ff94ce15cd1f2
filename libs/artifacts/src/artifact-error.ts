/** An artifact that cannot be moved; the message says which, why, and what to do. It never holds credentials. */
export class ArtifactError extends Error {
  override readonly name = 'ArtifactError';
  /** `missing`: there is nothing at the place. `refused`: trying again will not help. `transient`: it may. */
  readonly kind: 'missing' | 'refused' | 'transient';
  constructor(kind: ArtifactError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** The text of an error, for a message. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
