import { badRequest, StatusError } from './status-error.ts';

/** How thoroughly unknown and duplicate fields are looked for. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** Parameters of a list or watch. */
export type ListParameters = {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly watch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly includeObject: string;
};

/** Parameters of a write. */
export type WriteParameters = {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  readonly force: boolean;
};

/** Read the parameters of a list or watch. */
export function parseListParameters(query: URLSearchParams): ListParameters {
  const sendInitialEvents = query.get('sendInitialEvents');
  return {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: wholeNumber(query, 'limit') ?? 0,
    continue: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    watch: flag(query, 'watch'),
    allowWatchBookmarks: flag(query, 'allowWatchBookmarks'),
    sendInitialEvents: sendInitialEvents === null ? undefined : flag(query, 'sendInitialEvents'),
    timeoutSeconds: wholeNumber(query, 'timeoutSeconds'),
    includeObject: query.get('includeObject') ?? 'Metadata',
  };
}

/** Read the parameters of a write; `userAgent` names the field manager when the client does not. */
export function parseWriteParameters(query: URLSearchParams, userAgent: string | undefined): WriteParameters {
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((value) => value !== '' && value !== 'All')) {
    throw new StatusError(
      422,
      'Invalid',
      `"" is invalid: dryRun: Unsupported value: "${dryRun[0]}": supported values: "All"`,
    );
  }
  const validation = query.get('fieldValidation') ?? 'Warn';
  if (validation !== 'Strict' && validation !== 'Warn' && validation !== 'Ignore' && validation !== '') {
    throw badRequest(
      `fieldValidation: Unsupported value: "${validation}": supported values: "Ignore", "Strict", "Warn"`,
    );
  }
  const fieldManager = query.get('fieldManager') ?? '';
  if (fieldManager.length > 128) throw badRequest('fieldManager: Too long: may not be more than 128 bytes');
  return {
    dryRun: dryRun.includes('All'),
    fieldManager: fieldManager === '' ? managerOf(userAgent) : fieldManager,
    fieldValidation: validation === '' ? 'Warn' : validation,
    force: flag(query, 'force'),
  };
}

function managerOf(userAgent: string | undefined): string {
  const name = (userAgent ?? '').split('/', 1)[0] ?? '';
  return name === '' ? 'unknown' : name.slice(0, 128);
}

/** True for a parameter that is there and not false. */
export function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value !== 'false' && value !== '0';
}

/** A parameter that is a whole number; undefined when it is missing. Throws 400 for other text. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^\d{1,15}$/.test(value)) {
    throw badRequest(`strconv.ParseInt: parsing "${value}": invalid syntax (parameter ${name} must be a whole number)`);
  }
  return Number(value);
}
