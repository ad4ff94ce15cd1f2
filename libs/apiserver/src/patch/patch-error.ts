/**
 * A patch that cannot be applied. `code` is the HTTP status that Kubernetes answers with: 400 for a body that is no patch, 422 for one that does
 * not fit the object, 409 never (conflicts are values).
 */
export class PatchError extends Error {
  override readonly name = 'PatchError';
  readonly code: 400 | 413 | 415 | 422;
  constructor(code: 400 | 413 | 415 | 422, message: string) {
    super(message);
    this.code = code;
  }
}
