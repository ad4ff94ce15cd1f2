import type { KubeObject } from '../kube-object.ts';
import { argoDefinitions } from './argo-definitions.ts';
import { chartKindDefinition } from './chart-kind-definition.ts';
import { helmReleaseDefinition } from './helm-release-definition.ts';
import { sluiceDefinitions } from './sluice-definitions.ts';
import { sourceDefinitions } from './source-definitions.ts';

/** The CustomResourceDefinitions of every custom kind that Sluice serves. New objects on each call. */
export function customResourceDefinitions(): readonly KubeObject[] {
  return structuredClone([
    ...argoDefinitions(),
    helmReleaseDefinition(),
    ...sourceDefinitions(),
    ...sluiceDefinitions(),
    chartKindDefinition(),
  ]);
}
