import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { findHelm } from './find-binary.ts';
import type { StoredSecret } from './release-record.ts';

let found: Promise<string> | undefined;

/** Path of a real helm for tests; undefined where there is none (other systems than Linux on x64 without helm). */
export async function testHelmBinary(
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<string | undefined> {
  found ??= findHelm({ env, cacheDirectory: join(tmpdir(), 'sluice-test-binaries') }).then(({ path }) => path);
  return found.catch(() => undefined);
}

/** Write a chart: file names relative to `directory`, Chart.yaml made when not given. */
export async function writeChart(
  directory: string,
  files: Readonly<Record<string, string>>,
  version = '1.0.0',
): Promise<string> {
  const all = { 'Chart.yaml': `apiVersion: v2\nname: demo\nversion: ${version}\n`, ...files };
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}

/** A release record as helm stores it, in the form of a Secret. */
export function makeReleaseSecret(
  options: { name?: string; namespace?: string; version?: number; status?: string; extra?: object } = {},
): StoredSecret {
  const { name = 'demo', namespace = 'default', version = 1, status = 'deployed', extra = {} } = options;
  const record = {
    name,
    namespace,
    version,
    info: {
      status,
      first_deployed: '2026-01-01T00:00:00Z',
      last_deployed: '2026-01-01T00:00:00Z',
      description: 'Install complete',
    },
    chart: { metadata: { name: 'demo', version: '1.0.0' }, templates: [], values: {} },
    config: { replicas: 1 },
    manifest: 'kind: ConfigMap\n',
    hooks: [],
    apply_method: 'ssa',
    ...extra,
  };
  const release = Buffer.from(gzipSync(JSON.stringify(record)).toString('base64')).toString('base64');
  const labels = { owner: 'helm', name, version: String(version), status };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `sh.helm.release.v1.${name}.v${version}`, namespace, labels },
    type: 'helm.sh/release.v1',
    data: { release },
  };
}
