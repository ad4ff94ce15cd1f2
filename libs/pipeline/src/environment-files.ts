import {
  keys,
  resources,
  type HelmRelease,
  type KubeObject,
  type OciRepository,
  type Problem,
  type Result,
} from '@sluice/model';
import { parseAllDocuments, stringify } from 'yaml';
import type { ReleaseObjects } from './release-objects.ts';

/** The objects of one release as they stand in a file of an environment repository. */
export type FiledRelease = {
  readonly source: OciRepository & KubeObject;
  readonly release: HelmRelease & KubeObject;
};

/** A file of an environment repository. */
export type EnvironmentFile = { readonly path: string; readonly text: string };

/** What the files of an environment may hold. */
export type EnvironmentFilesRule = {
  readonly environment: string;
  /** Of the objects. */
  readonly namespace: string;
  /** Of what they install. */
  readonly targetNamespace: string;
};

const maxFiles = 500;

/** The file of a release: the same objects give the same text. */
export function writeReleaseFile({ source, release }: Extract<ReleaseObjects, { ok: true }>): string {
  const note =
    '# Written by Sluice with each deployment. Values may be changed here; a revert of the commit rolls back.\n';
  return `${note}${[source, release].map((object) => stringify(object, { sortMapEntries: true, lineWidth: 0 })).join('---\n')}`;
}

/** The name of the file of a release. */
export function releaseFileName(name: string): string {
  return `${name}.yaml`;
}

/**
 * The releases of an environment as its files say. What is not a release of this environment in its namespace is refused, and with it the
 * whole: a half-applied commit would be neither the one before nor the one after.
 */
export function readReleaseFiles(
  files: readonly EnvironmentFile[],
  rule: EnvironmentFilesRule,
): Result<readonly FiledRelease[]> {
  const problems: Problem[] = [];
  const releases: FiledRelease[] = [];
  const yaml = files.filter(({ path }) => /\.ya?ml$/.test(path));
  if (yaml.length > maxFiles) refuse(problems, '', `more than ${maxFiles} files`);
  for (const file of yaml.slice(0, maxFiles)) {
    const read = readFile(file, problems);
    const release = read?.find((object) => object.kind === resources.helmReleases.kind) as
      FiledRelease['release'] | undefined;
    const source = read?.find((object) => object.kind === resources.ociRepositories.kind) as
      FiledRelease['source'] | undefined;
    if (!read) continue;
    if (!release || !source || read.length !== 2)
      refuse(problems, file.path, 'must hold one HelmRelease and its OCIRepository');
    else {
      const why = whyForeign(release, source, rule);
      if (why) refuse(problems, file.path, why);
      else releases.push({ source, release });
    }
  }
  const names = releases.map(({ release }) => release.metadata.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) refuse(problems, '', `two files hold the HelmRelease ${twice}`);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: releases };
}

function refuse(problems: Problem[], file: string, message: string): void {
  problems.push({ code: 'InvalidEnvironmentFile', severity: 'error', message, ...(file ? { file } : {}) });
}

function readFile({ path, text }: EnvironmentFile, problems: Problem[]): readonly KubeObject[] | undefined {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  const broken = documents.find(({ errors }) => errors.length > 0)?.errors[0];
  if (broken) {
    refuse(problems, path, broken.message.split('\n')[0] ?? 'is not YAML');
    return undefined;
  }
  try {
    return documents.flatMap((document) => {
      const object = document.toJS({ maxAliasCount: 10 }) as Partial<KubeObject> | null;
      return object?.kind && object.metadata?.name ? [object as KubeObject] : [];
    });
  } catch (error) {
    refuse(problems, path, error instanceof Error ? error.message : 'is not YAML');
    return undefined;
  }
}

function whyForeign(
  { metadata, spec }: FiledRelease['release'],
  source: FiledRelease['source'],
  { environment, namespace, targetNamespace }: EnvironmentFilesRule,
): string | undefined {
  const { [keys.environment]: labelled, [keys.repository]: repository } = metadata.labels ?? {};
  if (labelled !== environment || !repository)
    return `the HelmRelease must have the labels of environment ${environment}`;
  if (!metadata.name.endsWith(`-${environment}`)) return `the HelmRelease must be named …-${environment}`;
  if ((metadata.namespace ?? namespace) !== namespace) return `the HelmRelease must be in namespace ${namespace}`;
  if ((source.metadata.namespace ?? namespace) !== namespace)
    return `the OCIRepository must be in namespace ${namespace}`;
  if (spec?.targetNamespace !== targetNamespace) return `spec.targetNamespace must be ${targetNamespace}`;
  const { chartRef } = spec;
  if (chartRef?.kind !== resources.ociRepositories.kind || chartRef.name !== source.metadata.name)
    return 'spec.chartRef must name the OCIRepository of the file';
  return undefined;
}
