import type { JsonObject, KubeObject } from '@sluice/model';
import { resources } from '@sluice/model';
import type { KubeApi } from '@sluice/reconcile';
import type { RepositoryAnswer } from '@sluice/workflow';
import { parse } from 'yaml';

const defaultConfigMap = 'artifact-repositories';
const defaultAnnotation = 'workflows.argoproj.io/default-artifact-repository';

type ConfigMap = KubeObject & { readonly data?: Readonly<Record<string, string>> };

/**
 * The artifact repository that a workflow uses: the one that its `artifactRepositoryRef` names, else the default of the
 * ConfigMap `artifact-repositories` in its namespace, else the controller's.
 */
export async function findArtifactRepository(
  kube: KubeApi,
  namespace: string,
  reference: JsonObject,
  fallback: JsonObject | undefined,
  signal: AbortSignal,
): Promise<RepositoryAnswer> {
  const { configMap, key } = reference as { readonly configMap?: string; readonly key?: string };
  const named = configMap !== undefined || key !== undefined;
  const name = configMap || defaultConfigMap;
  const found = (await kube.get(resources.configMaps, { namespace, name }, signal)) as ConfigMap | undefined;
  if (!found && named) return refuse(`artifactRepositoryRef: configmap "${name}" not found in namespace ${namespace}`);
  const wanted = key || found?.metadata.annotations?.[defaultAnnotation];
  if (!found || wanted === undefined) return named ? noKey(name) : defaultRepository(fallback);
  const text = found.data?.[wanted];
  if (text === undefined)
    return refuse(`artifactRepositoryRef: configmap "${name}" has no key ${JSON.stringify(wanted)}`);
  const repository = parseRepository(text);
  if (!repository) return refuse(`configmap "${name}": ${wanted} is no artifact repository in YAML`);
  return { ok: true, value: { repository, reference: { configMap: name, key: wanted, namespace } } };
}

function noKey(name: string): RepositoryAnswer {
  return refuse(`artifactRepositoryRef: name a key, or annotate configmap "${name}" with ${defaultAnnotation}`);
}

function defaultRepository(repository: JsonObject | undefined): RepositoryAnswer {
  if (!repository)
    return refuse(
      `no artifact repository is configured; make a ConfigMap "${defaultConfigMap}" with the annotation ${defaultAnnotation}`,
    );
  return { ok: true, value: { repository, reference: { default: true } } };
}

function refuse(message: string): RepositoryAnswer {
  return { ok: false, message };
}

function parseRepository(text: string): JsonObject | undefined {
  try {
    const value: unknown = parse(text, { maxAliasCount: 100 });
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
