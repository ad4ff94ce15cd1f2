import { jsonResponse, type HttpResponse } from '@sluice/runtime';

/** Error codes of the distribution specification. */
export type OciErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'TOOMANYREQUESTS'
  | 'UNSUPPORTED';

/** A refusal that goes to the client as the specification's error body. */
export class OciError extends Error {
  override readonly name = 'OciError';
  readonly status: number;
  readonly code: OciErrorCode;
  constructor(status: number, code: OciErrorCode, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The response for a refusal. */
export function errorResponse(error: OciError): HttpResponse {
  return jsonResponse(error.status, { errors: [{ code: error.code, message: error.message }] });
}
