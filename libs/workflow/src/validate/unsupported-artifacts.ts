import type { Artifact, Template, WorkflowSpec } from '../workflow-types.ts';

type Add = (path: string, what: string) => void;

/** Stores that have no driver here, with their names. */
const missingDrivers: Readonly<Record<string, string>> = {
  gcs: 'artifacts in Google Cloud Storage (gcs)',
  azure: 'artifacts in Azure Blob Storage (azure)',
  oss: 'artifacts in Alibaba OSS (oss)',
  hdfs: 'artifacts in HDFS (hdfs)',
};

/** Artifact locations that nobody here can reach: refused by the name of the driver that is missing. */
export function unsupportedLocations(spec: WorkflowSpec, add: Add): void {
  for (const [place, artifact] of artifactsOf(spec)) {
    for (const [kind, what] of Object.entries(missingDrivers))
      if (artifact[kind] !== undefined) add(`${place}.${kind}`, what);
    const plugin = fieldsOf(artifact['plugin'])['name'];
    if (plugin !== undefined && plugin !== 'local')
      add(
        `${place}.plugin`,
        `artifact plugins such as ${typeof plugin === 'string' ? plugin : JSON.stringify(plugin)}`,
      );
    const s3 = fieldsOf(artifact['s3']);
    if (s3['useSDKCreds'] === true) add(`${place}.s3.useSDKCreds`, 'credentials of the machine');
    if (s3['roleARN'] !== undefined && s3['roleARN'] !== '') add(`${place}.s3.roleARN`, 'assumed roles');
  }
}

function* artifactsOf(spec: WorkflowSpec): Iterable<readonly [string, Readonly<Record<string, unknown>>]> {
  for (const artifact of spec.arguments?.artifacts ?? []) yield [`spec.arguments.artifacts.${artifact.name}`, artifact];
  for (const template of [...(spec.templates ?? []), ...(spec.templateDefaults ? [spec.templateDefaults] : [])])
    yield* ofTemplate(template, `templates.${template.name ?? ''}`);
}

function* ofTemplate(template: Template, path: string): Iterable<readonly [string, Readonly<Record<string, unknown>>]> {
  yield* named(template.inputs?.artifacts, `${path}.inputs.artifacts`);
  yield* named(template.outputs?.artifacts, `${path}.outputs.artifacts`);
  yield [`${path}.archiveLocation`, fieldsOf(template['archiveLocation'])];
  yield [`${path}.data.source.artifactPaths`, fieldsOf(fieldsOf(template.data?.['source'])['artifactPaths'])];
  for (const call of [...(template.steps ?? []).flat(), ...(template.dag?.tasks ?? [])]) {
    yield* named(call.arguments?.artifacts, `${path}.${call.name}.arguments.artifacts`);
    if (call.inline) yield* ofTemplate(call.inline, `${path}.${call.name}.inline`);
  }
}

function* named(
  artifacts: readonly Artifact[] | undefined,
  path: string,
): Iterable<readonly [string, Readonly<Record<string, unknown>>]> {
  for (const artifact of artifacts ?? []) yield [`${path}.${artifact.name}`, artifact];
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
