import type { ArtifactLocation, JsonObject, PodTask, TaskParameter } from '@sluice/model';
import { isComplete, keyOfLocation, locationOf, withKey } from './artifact-location.ts';
import { type Pass, valueText } from './pass.ts';
import type { Artifact, Template } from './workflow-types.ts';

type Asked =
  | { readonly kind: 'none' }
  | { readonly kind: 'task'; readonly task: PodTask }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'problem'; readonly message: string };

/** What the node is to do itself for a template that is no container. `waiting`: the artifact repository must be read first. */
export function taskOf(pass: Pass, template: Template): Asked {
  if (template.resource) return { kind: 'task', task: resourceTask(pass, template, template.resource) };
  if (template.http) return { kind: 'task', task: { kind: 'http', http: template.http } };
  return template.data ? dataTask(pass, template.data) : { kind: 'none' };
}

function resourceTask({ workflow }: Pass, template: Template, resource: JsonObject): PodTask {
  const parameters = (template.outputs?.parameters ?? []).flatMap(({ name, valueFrom }): TaskParameter[] => {
    const { jsonPath, jqFilter, default: fallback } = valueFrom ?? {};
    if (jsonPath === undefined && jqFilter === undefined) return [];
    return [
      {
        name,
        ...(jsonPath === undefined ? {} : { jsonPath }),
        ...(jqFilter === undefined ? {} : { jqFilter }),
        ...(fallback === undefined ? {} : { default: valueText(fallback) }),
      },
    ];
  });
  const { name, uid = '' } = workflow.metadata;
  const owner = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', name, uid, blockOwnerDeletion: true };
  return { kind: 'resource', resource, parameters, owner };
}

function dataTask(pass: Pass, data: JsonObject): Asked {
  const { source, transformation } = data as {
    readonly source?: { readonly artifactPaths?: Artifact };
    readonly transformation?: readonly { readonly expression?: string }[];
  };
  const location = source?.artifactPaths && locationOf(source.artifactPaths);
  if (!location) return { kind: 'problem', message: 'data.source.artifactPaths must name a location' };
  const expressions = (transformation ?? []).flatMap(({ expression }) => expression ?? []);
  const task = (place: ArtifactLocation): Asked => ({
    kind: 'task',
    task: { kind: 'data', source: place, transformation: expressions },
  });
  if (isComplete(location)) return task(location);
  const repository = pass.artifactRepository();
  if (!repository) return { kind: 'waiting' };
  if (!repository.ok) return { kind: 'problem', message: repository.message };
  const store = locationOf(repository.value.repository);
  if (!store) return { kind: 'problem', message: 'the artifact repository names no store' };
  return task(withKey(store, keyOfLocation(location) ?? ''));
}
