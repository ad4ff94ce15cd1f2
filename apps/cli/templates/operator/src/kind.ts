import { defineKind, field, type ObjectOf } from '@sluice/operator';

/** The kind: its types, its schema, what `kubectl get` shows. */
export const kind = defineKind({
  group: 'apps.example.com',
  version: 'v1alpha1',
  kind: 'Sample',
  plural: 'samples',
  description: 'A text, served by some servers.',
  spec: {
    text: field.text('What the servers say.', { minLength: 1, maxLength: 1_000 }),
    servers: field.integer('How many servers there are.', { default: 1, minimum: 0, maximum: 10 }),
  },
  rules: [{ rule: "self.servers > 0 || self.text == 'closed'", message: 'without servers the text must be "closed"' }],
  status: { servers: field.integer('Servers that are ready.') },
  scale: { spec: '.spec.servers', status: '.status.servers' },
  columns: [{ name: 'Servers', path: '.status.servers', type: 'integer' }],
});

export type Sample = ObjectOf<typeof kind>;
