import type { Cause } from '../kinds/kind.ts';

/** Status.details: which object, and why in machine-readable form. `kind` is the plural for most reasons, as in Kubernetes. */
export type StatusDetails = {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly Cause[];
  readonly retryAfterSeconds?: number;
};

/** An answer that is a metav1.Status with `status: Failure`. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** A resource as errors name it. */
export type ErrorResource = { readonly group: string; readonly plural: string; readonly kind: string };

/** `pods`, or `deployments.apps`. */
export function qualified(name: string, group: string): string {
  return group === '' ? name : `${name}.${group}`;
}

function detailsOf({ group, plural }: ErrorResource, name: string): StatusDetails {
  return { name, ...(group === '' ? {} : { group }), kind: plural };
}

/** 404: no object of that name. */
export function notFound(resource: ErrorResource, name: string): StatusError {
  const message = `${qualified(resource.plural, resource.group)} "${name}" not found`;
  return new StatusError(404, 'NotFound', message, detailsOf(resource, name));
}

/** 404: no such path. */
export function unknownResource(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** 409: an object of that name is there. */
export function alreadyExists(resource: ErrorResource, name: string): StatusError {
  const message = `${qualified(resource.plural, resource.group)} "${name}" already exists`;
  return new StatusError(409, 'AlreadyExists', message, detailsOf(resource, name));
}

/** 409: the caller worked from an older state. */
export function conflict(resource: ErrorResource, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource.plural, resource.group)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, detailsOf(resource, name));
}

/** The `why` of a conflict over the resource version. */
export const modified = 'the object has been modified; please apply your changes to the latest version and try again';

/** 403 with a reason in words. */
export function forbidden(resource: ErrorResource, name: string, why: string, causes?: readonly Cause[]): StatusError {
  const what = name === '' ? '' : ` "${name}"`;
  const message = `${qualified(resource.plural, resource.group)}${what} is forbidden: ${why}`;
  return new StatusError(403, 'Forbidden', message, { ...detailsOf(resource, name), ...(causes ? { causes } : {}) });
}

/** 422: the object says something that cannot be. */
export function invalid(resource: ErrorResource, name: string, causes: readonly Cause[]): StatusError {
  const list = causes.map((cause) => (cause.field ? `${cause.field}: ${cause.message}` : cause.message));
  const why = list.length === 1 ? list[0] : `[${list.join(', ')}]`;
  const message = `${qualified(resource.kind, resource.group)} "${name}" is invalid: ${why}`;
  return new StatusError(422, 'Invalid', message, {
    name,
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.kind,
    causes,
  });
}

/** 400: the request cannot be understood. */
export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

/** 405. */
export function methodNotAllowed(): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

/** 410: the history that was asked for is gone. */
export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}

/** 504: the client has seen a version that this server has not reached. */
export function tooLargeVersion(asked: number, current: number): StatusError {
  return new StatusError(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version', field: '' }],
    retryAfterSeconds: 1,
  });
}

/** 429. */
export function tooManyRequests(): StatusError {
  return new StatusError(429, 'TooManyRequests', 'Too many requests, please try again later.', {
    retryAfterSeconds: 1,
  });
}

/** 501: known, and said to be missing. */
export function notSupported(what: string): StatusError {
  return new StatusError(501, 'NotImplemented', `${what} is not supported yet by the embedded API server of Sluice`);
}

/** The body of an error. */
export function statusObject(error: StatusError): Record<string, unknown> {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    reason: error.reason,
    ...(error.details ? { details: error.details } : {}),
    code: error.code,
  };
}
