import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '@sluice/model';
import { parse, parseAllDocuments } from 'yaml';

/** Chart.yaml as far as we read it. */
export type ChartMetadata = JsonObject & {
  readonly name: string;
  readonly version: string;
  readonly appVersion?: string;
};

/** A CustomResourceDefinition from a chart's `crds/`, or another object that does not belong there. */
export type ChartCrd = { readonly file: string; readonly object: JsonObject };

export type Chart = {
  readonly directory: string;
  readonly metadata: ChartMetadata;
  /** Objects of `crds/` of the chart and of its vendored subcharts, in helm's order. */
  readonly crds: readonly ChartCrd[];
};

/** What lies there is not a chart that can be used. */
export class BadChart extends Error {
  override readonly name = 'BadChart';
}

const maxFileBytes = 5 * 1024 * 1024;
const maxCrdFiles = 500;

/** Read an unpacked chart's metadata and CRDs. */
export async function readChart(directory: string): Promise<Chart> {
  const text = await readCapped(join(directory, 'Chart.yaml'));
  if (text === undefined) throw new BadChart('the chart has no Chart.yaml');
  const metadata = parseMetadata(text);
  return { directory, metadata, crds: await readCrds(directory, '') };
}

function parseMetadata(text: string): ChartMetadata {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw new BadChart(`Chart.yaml cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const { name, version, appVersion } = fields;
  if (typeof name !== 'string' || !/^[a-zA-Z0-9._-]+$/.test(name))
    throw new BadChart('Chart.yaml: name is missing or malformed');
  if (typeof version !== 'string' || version === '') throw new BadChart('Chart.yaml: version is missing or not a text');
  if (appVersion !== undefined && typeof appVersion !== 'string')
    throw new BadChart('Chart.yaml: appVersion must be a text; quote it');
  return fields as ChartMetadata;
}

async function readCrds(directory: string, prefix: string): Promise<readonly ChartCrd[]> {
  const found: ChartCrd[] = [];
  const names = await readdir(join(directory, 'crds'), { recursive: true }).catch((): string[] => []);
  for (const name of names.sort().filter((entry) => /\.(?:ya?ml|json)$/.test(entry))) {
    if (found.length >= maxCrdFiles) throw new BadChart(`the chart has more than ${maxCrdFiles} CRDs`);
    const file = `${prefix}crds/${name}`;
    const text = (await readCapped(join(directory, 'crds', name))) ?? '';
    for (const document of parseAllDocuments(text)) {
      if (document.errors[0]) throw new BadChart(`${file} cannot be read: ${document.errors[0].message}`);
      const object = document.toJS({ maxAliasCount: 100 }) as unknown;
      if (typeof object === 'object' && object !== null) found.push({ file, object: object as JsonObject });
    }
  }
  for (const name of (await readdir(join(directory, 'charts')).catch((): string[] => [])).sort()) {
    const sub = join(directory, 'charts', name);
    if ((await stat(sub)).isDirectory()) found.push(...(await readCrds(sub, `${prefix}charts/${name}/`)));
  }
  return found;
}

async function readCapped(path: string): Promise<string | undefined> {
  const size = await stat(path).then(
    ({ size: bytes }) => bytes,
    () => undefined,
  );
  if (size === undefined) return undefined;
  if (size > maxFileBytes) throw new BadChart(`${path.split('/').at(-1)} is larger than ${maxFileBytes} bytes`);
  return readFile(path, 'utf8');
}
