import { defineKind, field, type ObjectOf, planStatus } from '@sluice/operator';

export const kind = defineKind({
  group: 'examples.sluice.dev',
  version: 'v1',
  kind: 'Database',
  shortNames: ['db'],
  description: 'A database whose life is a matter of procedures: install, migrate, resize, back up, export.',
  spec: {
    version: field.text('Version of its schema.', { pattern: '^[0-9]+$' }),
    replicas: field.integer('Copies of it.', { default: 1, minimum: 1, maximum: 5 }),
    backupEvery: field.optional(field.duration('Back it up this often; only by hand, when it is not said.')),
  },
  status: planStatus,
  columns: [
    { name: 'Plan', path: '.status.run.plan' },
    { name: 'Phase', path: '.status.run.phase' },
    { name: 'State', path: '.status.run.state' },
  ],
});

export type Database = ObjectOf<typeof kind>;
