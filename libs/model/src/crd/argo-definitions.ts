import type { KubeObject } from '../kube-object.ts';
import { resources } from '../resource.ts';
import { buildDefinition, type Column } from './definition.ts';
import { anything } from './schema.ts';

const workflowColumns: readonly Column[] = [
  { name: 'Status', type: 'string', jsonPath: '.status.phase', description: 'Phase of the run.' },
  { name: 'Age', type: 'date', jsonPath: '.status.startedAt', description: 'Time since the run started.' },
  { name: 'Message', type: 'string', jsonPath: '.status.message', description: 'Why the run is in this phase.' },
];

const spec = anything('As Argo Workflows describes it; checked by the workflow controller.');
const status = anything('Written by the workflow controller.');

/** The kinds of argoproj.io. They have no status subresource: Argo writes object and status as one. */
export function argoDefinitions(): readonly KubeObject[] {
  return [
    buildDefinition({
      resource: resources.workflows,
      shortNames: ['wf'],
      description: 'One run of a workflow.',
      spec,
      status,
      statusSubresource: false,
      required: ['metadata', 'spec'],
      columns: workflowColumns,
    }),
    buildDefinition({
      resource: resources.workflowTemplates,
      shortNames: ['wftmpl'],
      description: 'Templates that workflows of the namespace refer to.',
      spec,
      statusSubresource: false,
      required: ['metadata', 'spec'],
    }),
    buildDefinition({
      resource: resources.clusterWorkflowTemplates,
      shortNames: ['clusterwftmpl', 'cwft'],
      description: 'Templates that workflows of any namespace refer to.',
      spec,
      statusSubresource: false,
      required: ['metadata', 'spec'],
    }),
    buildDefinition({
      resource: resources.cronWorkflows,
      shortNames: ['cwf', 'cronwf'],
      description: 'A workflow that is run by the clock.',
      spec,
      status,
      statusSubresource: false,
      required: ['metadata', 'spec'],
    }),
  ];
}
