import type { ArtifactContext, JsonObject } from '@sluice/model';
import { ArtifactError } from '../artifact-error.ts';
import type { ArtifactLimits } from '../limits.ts';

/** What a driver works with beside the location. */
export type DriverContext = ArtifactContext & {
  readonly limits: ArtifactLimits;
  /** The address of a host name that only the cluster knows, such as that of a Service; undefined: ask the system. */
  readonly resolveHost: (host: string) => string | undefined;
  /** A directory of its own for this call. */
  readonly scratch: string;
};

/** One kind of location. What a driver lacks, it cannot do. */
export type Driver = {
  /** Bring a file or directory to `target`, which does not exist. Throws {@link ArtifactError}. */
  load(settings: JsonObject, target: string, context: DriverContext): Promise<void>;
  /** Keep the file or directory at `source`, replacing what was there. */
  save?(settings: JsonObject, source: string, context: DriverContext): Promise<void>;
  list?(settings: JsonObject, context: DriverContext): Promise<readonly string[]>;
  remove?(settings: JsonObject, context: DriverContext): Promise<void>;
};

/** A text field; undefined when it is absent or empty. */
export function textField(settings: JsonObject, field: string): string | undefined {
  const value = settings[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A text field that must be there. */
export function requiredField(settings: JsonObject, field: string, kind: string): string {
  const value = textField(settings, field);
  if (value === undefined) throw new ArtifactError('refused', `${kind}.${field} is missing`);
  return value;
}

/** True for an object that is no list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a secret key selector in a field; undefined without one. */
export async function secretField(
  settings: JsonObject,
  field: string,
  context: DriverContext,
): Promise<string | undefined> {
  const selector = settings[field];
  if (!isObject(selector)) return undefined;
  const name = textField(selector, 'name');
  const key = textField(selector, 'key');
  if (name === undefined || key === undefined)
    throw new ArtifactError('refused', `${field} must name a Secret and its key`);
  return context.secret(name, key);
}
