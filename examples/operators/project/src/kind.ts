import { defineKind, field, type ObjectOf, type Resource } from '@sluice/operator';

export const kind = defineKind({
  group: 'examples.sluice.dev',
  version: 'v1',
  kind: 'Project',
  scope: 'Cluster',
  description: 'A team at work: a namespace of its own, and a Jenkins when it wants one.',
  spec: {
    contact: field.text('Whom to ask.', { minLength: 1 }),
    jenkins: field.optional(
      field.object('Its Jenkins; none when this is left out.', {
        executors: field.optional(field.integer('Builds at a time.', { minimum: 1, maximum: 50 })),
      }),
    ),
  },
  status: {
    namespace: field.text('Where the team works.'),
    jenkins: field.oneOf('How its Jenkins is.', ['None', 'Installing', 'Ready']),
  },
  columns: [
    { name: 'Namespace', path: '.status.namespace' },
    { name: 'Jenkins', path: '.status.jenkins' },
  ],
});

export type Project = ObjectOf<typeof kind>;

/** The kind that the ChartKind of examples/chart-kinds/jenkins makes of a chart: an object of it is a running Jenkins. */
export const jenkinses: Resource = {
  group: 'ci.example.com',
  version: 'v1',
  plural: 'jenkinses',
  kind: 'Jenkins',
  namespaced: true,
};
