import { BodyTooLarge, type HttpRequest, readBody } from '@sluice/runtime';
import { parseDocument } from 'yaml';
import { decodeProtobufBody } from '../protobuf/decode.ts';
import { duplicateFields } from './duplicate-fields.ts';
import { badRequest, StatusError } from './status-error.ts';

/** The longest request body that is read, in bytes: Kubernetes' own limit. */
export const maxBodyBytes = 3 * 1024 * 1024;

/** How long a client may take to send a body: one that has gone away must not hold its place. */
const bodyTimeoutMs = 30_000;

/** The deepest nesting of a request body. */
const maxDepth = 1_000;

/** A decoded body with what is wrong in it beyond its schema. */
export type DecodedBody = { readonly value: unknown; readonly problems: readonly string[] };

/** Read and decode a body of any type that Kubernetes accepts. An empty body is undefined. */
export async function decodeBody(request: HttpRequest, media?: string): Promise<DecodedBody> {
  const { body } = request;
  const type = media ?? mediaType(request);
  if (typeof body === 'string' && type === 'application/json') return parseJson(body);
  const bytes = await readAll(body);
  if (bytes.length === 0) return { value: undefined, problems: [] };
  switch (type) {
    case 'application/vnd.kubernetes.protobuf':
      return decodeProtobuf(bytes);
    case 'application/yaml':
    case 'text/yaml':
      return parseYaml(toText(bytes));
    case 'application/json':
    case '':
    case 'application/x-www-form-urlencoded':
      return parseJson(toText(bytes));
    default:
      throw new StatusError(
        415,
        'UnsupportedMediaType',
        `the body of the request was in an unknown format - accepted media types include: ${bodyTypes.join(', ')}`,
      );
  }
}

const bodyTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** Content-Type without its parameters, in lower case. */
export function mediaType(request: HttpRequest): string {
  return (request.headers['content-type'] ?? 'application/json').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

async function readAll(body: HttpRequest['body']): Promise<Uint8Array> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(lateBody()), bodyTimeoutMs).unref();
  try {
    return await Promise.race([readBody(body, maxBodyBytes), late.promise]);
  } catch (error) {
    if (!(error instanceof BodyTooLarge)) throw error;
    throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`);
  } finally {
    clearTimeout(timer);
  }
}

function lateBody(): StatusError {
  return new StatusError(
    408,
    'Timeout',
    `Timeout: the body of the request did not come within ${bodyTimeoutMs / 1_000} s`,
  );
}

function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest('the body of the request is not valid UTF-8');
  }
}

/** Parse JSON. Throws a StatusError. */
export function parseJson(text: string): DecodedBody {
  if (text.length > maxBodyBytes) {
    throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`);
  }
  if (text.trim() === '') return { value: undefined, problems: [] };
  try {
    const value: unknown = JSON.parse(text);
    checkDepth(value);
    return { value, problems: duplicateFields(text).map((path) => `duplicate field "${path}"`) };
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw badRequest(`the object provided is unrecognized: ${error instanceof Error ? error.message : 'not JSON'}`);
  }
}

/** Parse YAML as kubectl does: bare y, n, on, off, yes and no are booleans. Throws a StatusError. */
export function parseYaml(text: string): DecodedBody {
  const document = parseDocument(text, {
    schema: 'core',
    customTags: (tags) => [goBoolean, ...tags],
    uniqueKeys: false,
    merge: true,
  });
  const [error] = document.errors;
  if (error) throw badRequest(`error converting YAML to JSON: ${error.message}`);
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    checkDepth(value);
    return { value: value ?? undefined, problems: [] };
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw badRequest(`error converting YAML to JSON: ${error instanceof Error ? error.message : 'not YAML'}`);
  }
}

const goBoolean = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  identify: (value: unknown) => typeof value === 'boolean',
  test: /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/,
  resolve: (text: string) => /^[yY]|^on$/i.test(text),
};

function decodeProtobuf(bytes: Uint8Array): DecodedBody {
  const decoded = decodeProtobufBody(bytes);
  if (decoded.ok) return { value: decoded.value, problems: [] };
  throw badRequest(decoded.problems.map(({ message }) => message).join('; '));
}

/** Every later step may recurse: refuse what would overflow the stack. */
function checkDepth(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) throw badRequest(`the object is nested deeper than ${maxDepth} levels`);
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
}
