import type { JsonObject, KubeObject, OwnerReference } from '@sluice/model';
import type { Action, Decision, Workflow } from '@sluice/workflow';

function ownerOf({ metadata }: Workflow): OwnerReference {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    name: metadata.name,
    uid: metadata.uid ?? '',
    controller: true,
  };
}

/** A claim of a workflow, from its template. */
export function buildClaim(workflow: Workflow, { name, manifest }: Extract<Action, { kind: 'CreatePvc' }>): KubeObject {
  const { metadata = {}, spec } = manifest as { readonly metadata?: JsonObject; readonly spec?: JsonObject };
  const labels = {
    ...(metadata['labels'] as Record<string, string> | undefined),
    'workflows.argoproj.io/workflow': workflow.metadata.name,
  };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...metadata,
      name,
      namespace: workflow.metadata.namespace ?? '',
      labels,
      ownerReferences: [ownerOf(workflow)],
    },
    spec: spec ?? {},
  };
}

/** The disruption budget over the pods of a workflow. */
export function buildBudget(workflow: Workflow, spec: JsonObject): KubeObject {
  const { name, namespace = '' } = workflow.metadata;
  const labels = { 'workflows.argoproj.io/workflow': name };
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace, labels, ownerReferences: [ownerOf(workflow)] },
    spec: { ...spec, selector: { matchLabels: labels } },
  };
}

/** Claims of the workflow by the name that its templates know. */
export function claimNames({ status }: Decision): Readonly<Record<string, string>> {
  const claims = status.persistentVolumeClaims ?? [];
  return Object.fromEntries(
    claims.flatMap(({ name, claimName }) =>
      typeof name === 'string' && typeof claimName === 'string' ? [[name, claimName]] : [],
    ),
  );
}
