/** A task that cannot be done, or whose outcome is a failure; the message is for the user. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
}

/** The text of an error, for a message. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
