import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BadChart, readChart, type Chart } from '@sluice/helm';
import { unpackTarGz } from '@sluice/oci';
import { versionWithDigest } from '@sluice/release';
import { parseDocument } from 'yaml';

const limits = { maxBytes: 64 * 1024 * 1024, maxEntries: 5_000 };
const maxNesting = 4;
const maxArtifactBytes = 50 * 1024 * 1024;
const maxCached = 500;

/** Chart archives and their unpacked form, by content digest. Both can be made again from the registry. */
export class ChartStore {
  readonly #directory: string;
  readonly #charts = new Map<string, Promise<Chart>>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<ChartStore> {
    await mkdir(join(directory, 'sha256'), { recursive: true });
    await mkdir(join(directory, 'charts'), { recursive: true });
    await rm(join(directory, 'scratch'), { recursive: true, force: true });
    await mkdir(join(directory, 'scratch'), { recursive: true });
    return new ChartStore(directory);
  }

  /** Path of an artifact relative to the directory, as it stands in `status.artifact.path`. */
  relativePath(digest: string, suffix = 'tar.gz'): string {
    return join('sha256', `${digest.replace('sha256:', '')}.${suffix}`);
  }

  path(digest: string, suffix?: string): string {
    return join(this.#directory, this.relativePath(digest, suffix));
  }

  url(digest: string, suffix?: string): string {
    return pathToFileURL(this.path(digest, suffix)).href;
  }

  async has(digest: string, suffix?: string): Promise<boolean> {
    return (await stat(this.path(digest, suffix)).catch(() => undefined)) !== undefined;
  }

  /** Path for a download that is not checked yet; on the same file system as the artifacts. */
  scratchPath(name: string): string {
    return join(this.#directory, 'scratch', name);
  }

  /** Move a finished file from scratch to its digest, which is worked out here. */
  async keep(path: string, maxBytes = maxArtifactBytes): Promise<{ readonly digest: string; readonly size: number }> {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.length;
    }
    if (size > maxBytes) throw new BadChart(`the chart is larger than ${maxBytes} bytes`);
    const digest = `sha256:${hash.digest('hex')}`;
    await rename(path, this.path(digest));
    return { digest, size };
  }

  /**
   * The unpacked chart of an artifact, its version extended by the digest of the manifest that it came with, if any. Unpacked once;
   * vendored archives in `charts/` are unpacked too, so that their CRDs are seen.
   */
  chart(digest: string, manifestDigest = ''): Promise<Chart> {
    const name = `${digest.replace('sha256:', '')}-${manifestDigest.replace('sha256:', '').slice(0, 12)}`;
    const known = this.#charts.get(name);
    if (known) return known;
    if (this.#charts.size >= maxCached) this.#charts.clear();
    const reading = this.#unpacked(digest, manifestDigest, join(this.#directory, 'charts', name));
    this.#charts.set(name, reading);
    reading.catch(() => this.#charts.delete(name));
    return reading;
  }

  /** Remove artifacts and charts that none of these digests names and that are older than `ageMs`. */
  async removeUnused(live: ReadonlySet<string>, nowMs: number, ageMs: number): Promise<void> {
    for (const folder of ['sha256', 'charts']) {
      for (const entry of await readdir(join(this.#directory, folder))) {
        if (live.has(`sha256:${entry.slice(0, 64)}`)) continue;
        const path = join(this.#directory, folder, entry);
        const found = await stat(path).catch(() => undefined);
        if (!found || nowMs - found.mtimeMs < ageMs) continue;
        this.#charts.delete(entry);
        await rm(path, { recursive: true, force: true });
      }
    }
  }

  async #unpacked(digest: string, manifestDigest: string, target: string): Promise<Chart> {
    const root = join(target, 'chart');
    if (!(await stat(root).catch(() => undefined))) {
      const scratch = await mkdtemp(join(this.#directory, 'charts', '.unpack-'));
      try {
        await unpackTarGz(this.path(digest), scratch, limits);
        const [top, ...more] = await readdir(scratch);
        if (!top || more.length > 0) throw new BadChart('the archive must have exactly one directory at its top');
        await unpackVendored(join(scratch, top), maxNesting);
        if (manifestDigest) await extendVersion(join(scratch, top, 'Chart.yaml'), manifestDigest);
        await rename(join(scratch, top), join(scratch, 'chart'));
        await rm(target, { recursive: true, force: true });
        await rename(scratch, target);
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    }
    await utimes(target, new Date(), new Date());
    return readChart(root);
  }
}

async function unpackVendored(chart: string, depth: number): Promise<void> {
  const folder = join(chart, 'charts');
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isFile() && entry.name.endsWith('.tgz')) {
      if (depth === 0) throw new BadChart(`charts are nested deeper than ${maxNesting}`);
      const scratch = await mkdtemp(join(chart, '.vendored-'));
      await unpackTarGz(path, scratch, limits);
      await rm(path);
      for (const name of await readdir(scratch)) await rename(join(scratch, name), join(folder, name));
      await rm(scratch, { recursive: true });
    }
  }
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory() && depth > 0) await unpackVendored(join(folder, entry.name), depth - 1);
  }
}

async function extendVersion(path: string, manifestDigest: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) throw new BadChart('the chart has no Chart.yaml');
  const document = parseDocument(text);
  const version: unknown = document.get('version');
  if (typeof version !== 'string') throw new BadChart('Chart.yaml: version is missing or not a text');
  document.set('version', versionWithDigest(version, manifestDigest));
  await writeFile(path, document.toString());
}
