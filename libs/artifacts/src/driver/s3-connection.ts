import { createHash } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type * as Sdk from '@aws-sdk/client-s3';
import type { S3Client, ServerSideEncryption } from '@aws-sdk/client-s3';
import type { JsonObject } from '@sluice/model';
import { ArtifactError, textOf } from '../artifact-error.ts';
import { type DriverContext, isObject, requiredField, secretField, textField } from './driver.ts';
import { lookupWith } from './http-request.ts';

/** A client for one bucket. */
export type S3Connection = {
  readonly sdk: typeof Sdk;
  readonly client: S3Client;
  readonly bucket: string;
  readonly encryption: {
    readonly ServerSideEncryption?: ServerSideEncryption;
    readonly SSEKMSKeyId?: string;
    readonly SSEKMSEncryptionContext?: string;
  };
  /** Sent with reads and writes where the user keeps the key. */
  readonly customerKey: {
    readonly SSECustomerAlgorithm?: string;
    readonly SSECustomerKey?: string;
    readonly SSECustomerKeyMD5?: string;
  };
};

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Connect as the location says. The library is loaded with the first use: most runs need none of it. */
export async function connectS3(settings: JsonObject, context: DriverContext): Promise<S3Connection> {
  const bucket = requiredField(settings, 'bucket', 's3');
  const sdk = await import('@aws-sdk/client-s3');
  const { S3Client } = sdk;
  const endpoint = endpointOf(settings);
  const ca = await secretField(settings, 'caSecret', context);
  const lookup = lookupWith(context.resolveHost);
  const agent = { keepAlive: true, maxSockets: 16, lookup };
  const client = new S3Client({
    region: textField(settings, 'region') ?? 'us-east-1',
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    credentials: await credentialsOf(settings, context),
    // Stores that speak the protocol often lack the checksums that Amazon's clients send by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    logger: silent,
    requestHandler: {
      connectionTimeout: 10_000,
      requestTimeout: 60_000,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent({ ...agent, ...(ca === undefined ? {} : { ca }) }),
    },
  });
  return { sdk, client, bucket, ...(await encryptionOf(settings, context)) };
}

function endpointOf(settings: JsonObject): string | undefined {
  const endpoint = textField(settings, 'endpoint');
  if (endpoint === undefined || endpoint === 's3.amazonaws.com') return undefined;
  const bare = /^[\w.-]+(?::\d+)?$/.test(endpoint);
  if (!bare)
    throw new ArtifactError(
      'refused',
      `s3.endpoint ${JSON.stringify(endpoint.slice(0, 100))} must be host or host:port`,
    );
  return `${settings['insecure'] === true ? 'http' : 'https'}://${endpoint}`;
}

/** Only what the workflow's own Secrets hold. What this machine may do is not lent to workflows. */
async function credentialsOf(settings: JsonObject, context: DriverContext) {
  for (const field of ['useSDKCreds', 'roleARN']) {
    const value = settings[field];
    if (value !== undefined && value !== false && value !== '')
      throw new ArtifactError('refused', `s3.${field} is not supported; name accessKeySecret and secretKeySecret`);
  }
  const accessKeyId = await secretField(settings, 'accessKeySecret', context);
  const secretAccessKey = await secretField(settings, 'secretKeySecret', context);
  const sessionToken = await secretField(settings, 'sessionTokenSecret', context);
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new ArtifactError('refused', 's3 needs accessKeySecret and secretKeySecret');
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

async function encryptionOf(
  settings: JsonObject,
  context: DriverContext,
): Promise<Pick<S3Connection, 'encryption' | 'customerKey'>> {
  const options = isObject(settings['encryptionOptions']) ? settings['encryptionOptions'] : {};
  const customer = await secretField(options, 'serverSideCustomerKeySecret', context);
  if (customer !== undefined) {
    const key = Buffer.from(customer);
    const customerKey = {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: key.toString('base64'),
      SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
    };
    return { encryption: {}, customerKey };
  }
  if (options['enableEncryption'] !== true) return { encryption: {}, customerKey: {} };
  const kms = textField(options, 'kmsKeyId');
  const kmsContext = textField(options, 'kmsEncryptionContext');
  const encryption =
    kms === undefined
      ? { ServerSideEncryption: 'AES256' as const }
      : {
          ServerSideEncryption: 'aws:kms' as const,
          SSEKMSKeyId: kms,
          ...(kmsContext === undefined ? {} : { SSEKMSEncryptionContext: Buffer.from(kmsContext).toString('base64') }),
        };
  return { encryption, customerKey: {} };
}

const passingNames = /Timeout|Throttl|SlowDown|InternalError|ServiceUnavailable|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|socket/;

/** An error of the library in our words, with what the store answered. */
export function toArtifactError(error: unknown, { bucket }: S3Connection, signal: AbortSignal): unknown {
  if (error instanceof ArtifactError || signal.aborted || !(error instanceof Error)) return error;
  const answer = error as Error & { readonly code?: string; readonly $metadata?: { readonly httpStatusCode?: number } };
  const status = answer.$metadata?.httpStatusCode;
  const name = answer.name === 'Error' ? (answer.code ?? '') : answer.name;
  const passing = (status ?? 0) >= 500 || passingNames.test(`${answer.code ?? ''} ${answer.name}`);
  const missing = name === 'NoSuchBucket' ? '; create it, or set createBucketIfNotPresent' : '';
  const text = [name, status, textOf(error)].filter((part) => part !== undefined && part !== '').join(' ');
  return new ArtifactError(passing ? 'transient' : 'refused', `s3 bucket ${bucket}: ${text}${missing}`, {
    cause: error,
  });
}
