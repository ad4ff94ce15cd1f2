import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { JsonObject } from '@sluice/model';
import { ArtifactError } from '../artifact-error.ts';
import { filesOf } from '../files.ts';
import { checkedKey } from '../key.ts';
import { type Driver, type DriverContext, isObject, requiredField, textField } from './driver.ts';
import { capped } from './http-driver.ts';
import { connectS3, type S3Connection, toArtifactError } from './s3-connection.ts';

/** S3 and everything that speaks its protocol. A directory is kept as the objects below its key. */
export const s3Driver: Driver = {
  async load(settings, target, context) {
    const key = keyOf(settings);
    await withS3(settings, context, async (s3) => {
      if (await loadObject(s3, key, target, context)) return;
      const below = await keysBelow(s3, `${key}/`, context);
      if (below.length === 0)
        throw new ArtifactError('missing', `bucket ${s3.bucket} has nothing at the key ${JSON.stringify(key)}`);
      await mkdir(target, { recursive: true });
      for (const found of below) {
        const path = join(target, checkedKey(found.slice(key.length + 1)));
        await mkdir(dirname(path), { recursive: true });
        await loadObject(s3, found, path, context);
      }
    });
  },
  async save(settings, source, context) {
    const key = keyOf(settings);
    await withS3(settings, context, async (s3) => {
      if (isObject(settings['createBucketIfNotPresent'])) await ensureBucket(s3, settings, context);
      if ((await lstat(source)).isFile()) return saveObject(s3, key, source, context);
      for (const file of await filesOf(source, context))
        await saveObject(s3, `${key}/${file.path}`, file.source, context);
    });
  },
  async list(settings, context) {
    const prefix = textField(settings, 'key') ?? '';
    return withS3(settings, context, async (s3) => (await keysBelow(s3, prefix, context)).toSorted());
  },
  async remove(settings, context) {
    const key = keyOf(settings);
    await withS3(settings, context, async (s3) => {
      const { DeleteObjectCommand } = s3.sdk;
      const keys = [key, ...(await keysBelow(s3, `${key}/`, context))];
      for (const found of keys)
        await s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: found }), {
          abortSignal: context.signal,
        });
    });
  },
};

function keyOf(settings: JsonObject): string {
  return checkedKey(requiredField(settings, 'key', 's3'));
}

async function withS3<T>(
  settings: JsonObject,
  context: DriverContext,
  work: (s3: S3Connection) => Promise<T>,
): Promise<T> {
  const s3 = await connectS3(settings, context);
  try {
    return await work(s3);
  } catch (error) {
    throw toArtifactError(error, s3, context.signal);
  } finally {
    s3.client.destroy();
  }
}

/** False when there is no such object. */
async function loadObject(s3: S3Connection, key: string, target: string, context: DriverContext): Promise<boolean> {
  const { GetObjectCommand, NoSuchKey } = s3.sdk;
  try {
    const request = new GetObjectCommand({ Bucket: s3.bucket, Key: key, ...s3.customerKey });
    const { Body } = await s3.client.send(request, { abortSignal: context.signal });
    const sink = createWriteStream(target, { flags: 'w', mode: 0o644 });
    await pipeline(Body as Readable, capped(context.limits), sink, { signal: context.signal });
    return true;
  } catch (error) {
    await rm(target, { force: true });
    if (error instanceof NoSuchKey) return false;
    throw error;
  }
}

async function keysBelow(s3: S3Connection, prefix: string, { signal, limits }: DriverContext): Promise<string[]> {
  const { ListObjectsV2Command } = s3.sdk;
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const page = await s3.client.send(
      new ListObjectsV2Command({
        Bucket: s3.bucket,
        ...(prefix === '' ? {} : { Prefix: prefix }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
      { abortSignal: signal },
    );
    for (const { Key } of page.Contents ?? []) if (Key !== undefined && !Key.endsWith('/')) keys.push(Key);
    if (keys.length > limits.maxEntries)
      throw new ArtifactError('refused', `bucket ${s3.bucket} has more than ${limits.maxEntries} keys below ${prefix}`);
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
  return keys;
}

const partBytes = 16 * 2 ** 20;

async function saveObject(s3: S3Connection, key: string, source: string, context: DriverContext): Promise<void> {
  const { size } = await lstat(source);
  if (size > context.limits.maxBytes)
    throw new ArtifactError('refused', `it has ${size} bytes, more than ${context.limits.maxBytes}`);
  const target = { Bucket: s3.bucket, Key: key, ...s3.encryption, ...s3.customerKey };
  if (size <= partBytes) {
    const { PutObjectCommand } = s3.sdk;
    const request = new PutObjectCommand({ ...target, Body: createReadStream(source), ContentLength: size });
    return void (await s3.client.send(request, { abortSignal: context.signal }));
  }
  const { Upload } = await import('@aws-sdk/lib-storage');
  const { client } = s3;
  const upload = new Upload({ client, params: { ...target, Body: createReadStream(source) }, partSize: partBytes });
  const stop = (): void => void upload.abort();
  context.signal.addEventListener('abort', stop, { once: true });
  try {
    await upload.done();
  } finally {
    context.signal.removeEventListener('abort', stop);
  }
}

async function ensureBucket(s3: S3Connection, settings: JsonObject, { signal }: DriverContext): Promise<void> {
  const { CreateBucketCommand, HeadBucketCommand } = s3.sdk;
  const { bucket: Bucket } = s3;
  const found = await s3.client.send(new HeadBucketCommand({ Bucket }), { abortSignal: signal }).then(
    () => true,
    () => false,
  );
  if (found) return;
  const options = isObject(settings['createBucketIfNotPresent']) ? settings['createBucketIfNotPresent'] : {};
  const locking = options['objectLocking'] === true ? { ObjectLockEnabledForBucket: true } : {};
  await s3.client
    .send(new CreateBucketCommand({ Bucket, ...locking }), { abortSignal: signal })
    .catch((error: unknown) => {
      // Somebody else made it meanwhile.
      if (error instanceof Error && error.name.startsWith('BucketAlready')) return;
      throw error;
    });
}
