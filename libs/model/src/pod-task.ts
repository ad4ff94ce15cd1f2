import type { ArtifactLocation } from './pod-artifacts.ts';
import type { JsonObject } from './kube-object.ts';

/**
 * Work that a node does itself in place of the process of a pod's main container; JSON in the annotation `sluice.dev/task`.
 * Its outputs travel as those of any container. Whatever it does in the cluster, it does as the pod's service account.
 */
export type PodTask =
  /** A resource template, with every tag replaced. `parameters`: its outputs. `owner`: for `setOwnerReference`. */
  | {
      readonly kind: 'resource';
      readonly resource: JsonObject;
      readonly parameters: readonly TaskParameter[];
      readonly owner: JsonObject;
    }
  /** A data template: list, then transform. */
  | { readonly kind: 'data'; readonly source: ArtifactLocation; readonly transformation: readonly string[] }
  | { readonly kind: 'http'; readonly http: JsonObject }
  /** Delete artifacts; each failure is told. */
  | { readonly kind: 'artifact-gc'; readonly artifacts: readonly DoomedArtifact[] };

/** An output of a task that has no file to be read from. */
export type TaskParameter = {
  readonly name: string;
  readonly jsonPath?: string;
  readonly jqFilter?: string;
  readonly default?: string;
};

/** An artifact that is to be deleted. */
export type DoomedArtifact = { readonly node: string; readonly name: string; readonly location: ArtifactLocation };
