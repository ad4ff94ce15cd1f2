import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildAccessManifests, buildDefinitions, toYaml } from './manifests.ts';
import type { Operator } from './operator.ts';

/** Stands for what the release fills in; no name of an object looks like it. */
const placeholder = 'release-namespace-placeholder';
const header = '# Written by "node src/main.ts chart"; change the operator instead.\n';

/** The files of a chart that follow from the operator, by path. */
export async function chartFiles(operator: Operator): Promise<ReadonlyMap<string, string>> {
  const labels = { 'app.kubernetes.io/name': operator.name };
  const access = buildAccessManifests(operator, { namespace: placeholder, labels });
  const text = (await toYaml(access)).replaceAll(placeholder, '{{ .Release.Namespace }}');
  // CEL rules and patterns may hold braces, which Helm would take for its own.
  const definitions = (await toYaml(buildDefinitions(operator, { keep: true }))).replaceAll('{{', '{{ "{{" }}');
  return new Map([
    ['templates/crds.yaml', header + definitions],
    ['templates/access.yaml', header + text],
  ]);
}

/** Write them; with `check` only say which are not as they should be. Returns the paths of those that were not. */
export async function writeChart(operator: Operator, directory: string, check: boolean): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const [path, text] of await chartFiles(operator)) {
    const file = join(directory, path);
    const have = await readFile(file, 'utf8').catch(() => undefined);
    if (have === text) continue;
    stale.push(file);
    if (check) continue;
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text);
  }
  return stale;
}
