import type { KubeObject } from '@sluice/model';
import { validateManifest, type WorkflowSpec } from '@sluice/workflow';
import { type Outcome, passed } from '../suite.ts';

/** One file of the suite. */
export type ValidationCase = {
  readonly name: string;
  readonly accept: boolean;
  readonly messageContains?: readonly string[];
  readonly options?: {
    readonly lint?: boolean;
    readonly submit?: boolean;
    readonly workflowDefaults?: { readonly spec?: WorkflowSpec };
  };
  readonly objects?: readonly KubeObject[];
  readonly manifest: KubeObject;
};

/** What comes of a case: problems of severity error refuse, and each wanted part must occur in one of them. */
export function judgeValidation({
  accept,
  messageContains = [],
  options,
  objects = [],
  manifest,
}: ValidationCase): Outcome {
  const kind = (clusterScope: boolean): string => (clusterScope ? 'ClusterWorkflowTemplate' : 'WorkflowTemplate');
  const defaults = options?.workflowDefaults?.spec;
  const problems = validateManifest(manifest, {
    stored: (name, clusterScope) =>
      objects.find((object) => object.kind === kind(clusterScope) && object.metadata.name === name)?.spec as
        WorkflowSpec | undefined,
    ...(options?.lint ? { lint: true } : {}),
    ...(options?.submit ? { submit: true } : {}),
    ...(defaults ? { defaults } : {}),
    unsupported: 'allow',
  }).filter(({ severity }) => severity === 'error');
  const texts = problems.map(({ path = '', message }) => collapse(`${path} ${message} | ${path}: ${message}`));
  const shown = texts.join('; ') || 'no problem';
  if (accept) return texts.length === 0 ? passed : { result: 'failed', wanted: 'no problem', got: shown };
  const absent = messageContains.filter((part) => !texts.some((text) => text.includes(collapse(part))));
  if (texts.length > 0 && absent.length === 0) return passed;
  return { result: 'failed', wanted: absent.join('; ') || 'a problem', got: shown };
}

function collapse(text: string): string {
  return text.replace(/\s+/g, ' ');
}
