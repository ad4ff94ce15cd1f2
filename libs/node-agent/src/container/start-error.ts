/** A container that could not be started; `reason` is shown in its status. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly reason: string;
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
