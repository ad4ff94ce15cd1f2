import type { Workflow, WorkflowSpec } from '../workflow-types.ts';

/** A Workflow named `wf`. */
export function makeWorkflow(spec: WorkflowSpec, change: Partial<Workflow> = {}): Workflow {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name: 'wf', namespace: 'test', uid: 'uid-wf' },
    spec,
    ...change,
  };
}

/** A container template. */
export function makeTemplate(name: string, change: object = {}) {
  return { name, container: { image: 'tools', command: ['true'] }, ...change };
}
