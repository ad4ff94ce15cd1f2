import { gunzipSync, gzipSync } from 'node:zlib';
import type { Json, JsonObject, KubeObject } from '@sluice/model';

/** A Secret as far as release records need it. */
export type StoredSecret = KubeObject & { readonly type?: string; readonly data?: Readonly<Record<string, string>> };

/** A hook of a release and how it last ran. */
export type ReleaseHook = {
  readonly name: string;
  readonly kind: string;
  readonly path: string;
  readonly manifest: string;
  readonly events: readonly string[];
  readonly lastRun?: { readonly startedAt?: string; readonly completedAt?: string; readonly phase: string };
};

/** What helm keeps about one revision of a release, without the chart's templates. */
export type ReleaseRecord = {
  readonly name: string;
  readonly namespace: string;
  readonly version: number;
  readonly status: string;
  readonly description: string;
  readonly notes: string;
  readonly firstDeployed: string;
  readonly lastDeployed: string;
  readonly deleted?: string;
  readonly chart: {
    readonly name: string;
    readonly version: string;
    readonly appVersion?: string;
    readonly metadata: JsonObject;
  };
  readonly config: JsonObject;
  readonly manifest: string;
  readonly hooks: readonly ReleaseHook[];
  readonly applyMethod: 'ssa' | 'csa';
};

/** A record that is not what helm writes. `message` names the Secret. */
export class BadReleaseRecord extends Error {
  override readonly name = 'BadReleaseRecord';
}

/** Label selector of all records of a release. */
export function releaseSelector(name: string): string {
  return `owner=helm,name=${name}`;
}

const maxStoredBytes = 3 * 1024 * 1024;
const maxRecordBytes = 128 * 1024 * 1024;

/** Decode records, newest first. Secrets of another type are passed over. */
export function readReleases(secrets: readonly StoredSecret[]): readonly ReleaseRecord[] {
  return secrets
    .filter(({ type }) => type === undefined || type === 'helm.sh/release.v1')
    .map(decodeRelease)
    .sort((a, b) => b.version - a.version);
}

/** Decode one record. */
export function decodeRelease(secret: StoredSecret): ReleaseRecord {
  const raw = decodeRaw(secret);
  const info = objectAt(raw, 'info');
  const metadata = objectAt(objectAt(raw, 'chart'), 'metadata');
  const version = raw['version'];
  if (typeof version !== 'number' || typeof raw['name'] !== 'string') throw bad(secret, 'it has no name or version');
  const deleted = textAt(info, 'deleted');
  const appVersion = textAt(metadata, 'appVersion');
  return {
    name: raw['name'],
    namespace: textAt(raw, 'namespace'),
    version,
    status: textAt(info, 'status') || 'unknown',
    description: textAt(info, 'description'),
    notes: textAt(info, 'notes'),
    firstDeployed: textAt(info, 'first_deployed'),
    lastDeployed: textAt(info, 'last_deployed'),
    ...(deleted ? { deleted } : {}),
    chart: {
      name: textAt(metadata, 'name'),
      version: textAt(metadata, 'version'),
      ...(appVersion ? { appVersion } : {}),
      metadata,
    },
    config: objectAt(raw, 'config'),
    manifest: textAt(raw, 'manifest'),
    hooks: listAt(raw, 'hooks').map(toHook),
    applyMethod: raw['apply_method'] === 'ssa' ? 'ssa' : 'csa',
  };
}

/**
 * The Secret with its record's status changed, keeping the rest to the byte where JSON allows. `nowSeconds` goes into the label
 * that helm itself keeps.
 */
export function withStatus(
  secret: StoredSecret,
  status: string,
  description: string,
  nowSeconds: number,
): StoredSecret {
  const raw = decodeRaw(secret);
  const changed = { ...raw, info: { ...objectAt(raw, 'info'), status, description } };
  const packed = gzipSync(JSON.stringify(changed), { level: 9 }).toString('base64');
  const labels = { ...secret.metadata.labels, status, modifiedAt: String(nowSeconds) };
  return {
    ...secret,
    metadata: { ...secret.metadata, labels },
    data: { ...secret.data, release: Buffer.from(packed).toString('base64') },
  };
}

/** A record that a killed helm left behind, unlocked: any `pending-…` or `uninstalling` becomes `failed`. */
export function unlockRelease(secret: StoredSecret, nowSeconds: number): StoredSecret {
  const { status } = decodeRelease(secret);
  if (!/^(?:pending-|uninstalling$)/.test(status)) return secret;
  return withStatus(secret, 'failed', `Unlocked from stale '${status}' state`, nowSeconds);
}

function decodeRaw(secret: StoredSecret): JsonObject {
  const stored = secret.data?.['release'];
  if (!stored) throw bad(secret, 'it has no data.release');
  if (stored.length > maxStoredBytes) throw bad(secret, `data.release is longer than ${maxStoredBytes} bytes`);
  try {
    const inner = Buffer.from(Buffer.from(stored, 'base64').toString('latin1'), 'base64');
    const zipped = inner[0] === 0x1f && inner[1] === 0x8b;
    const bytes = zipped ? gunzipSync(inner, { maxOutputLength: maxRecordBytes }) : inner;
    const value = JSON.parse(bytes.toString('utf8')) as Json;
    if (isObject(value)) return value;
  } catch (error) {
    throw bad(secret, error instanceof Error ? error.message : String(error), error);
  }
  throw bad(secret, 'it is not a JSON object');
}

function toHook(value: Json): ReleaseHook {
  const hook = isObject(value) ? value : {};
  const run = objectAt(hook, 'last_run');
  const phase = textAt(run, 'phase');
  const [startedAt, completedAt] = [textAt(run, 'started_at'), textAt(run, 'completed_at')];
  return {
    name: textAt(hook, 'name'),
    kind: textAt(hook, 'kind'),
    path: textAt(hook, 'path'),
    manifest: textAt(hook, 'manifest'),
    events: listAt(hook, 'events').filter((event) => typeof event === 'string'),
    ...(phase
      ? { lastRun: { phase, ...(startedAt ? { startedAt } : {}), ...(completedAt ? { completedAt } : {}) } }
      : {}),
  };
}

function bad(secret: StoredSecret, why: string, cause?: unknown): BadReleaseRecord {
  const { namespace, name } = secret.metadata;
  return new BadReleaseRecord(`Secret ${namespace}/${name} is not a readable release record: ${why}`, { cause });
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

function listAt(object: JsonObject, key: string): readonly Json[] {
  const value = object[key];
  return Array.isArray(value) ? value : [];
}

function textAt(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? value : '';
}
