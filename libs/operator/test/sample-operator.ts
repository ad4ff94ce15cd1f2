/** An operator for the integration tests; run directly, it is a program. */
import type { KubeObject } from '@sluice/model';
import { resources } from '@sluice/model';
import { defineController } from '../src/define-controller.ts';
import { field } from '../src/field.ts';
import { defineKind, type ObjectOf } from '../src/kind.ts';
import { runOperator } from '../src/main.ts';
import { defineOperator } from '../src/operator.ts';
import { notReady, ready } from '../src/readiness.ts';

export const notes = defineKind({
  group: 'apps.example.com',
  version: 'v1',
  kind: 'Note',
  shortNames: ['nt'],
  description: 'A note that becomes a ConfigMap.',
  spec: {
    text: field.text('What it says.', {
      maxLength: 40,
      rules: [{ rule: "!self.contains('{{')", message: 'braces are not for notes' }],
    }),
    copies: field.integer('How many.', { default: 1, minimum: 0, maximum: 5 }),
    owner: field.optional(field.text('Whose it is.')),
    size: field.quantity('How large.', { default: '1Ki' }),
    tags: field.list('Words.', field.text('A word.'), { unique: 'set', maxItems: 4 }),
  },
  rules: [
    { rule: 'self.copies < 4 || has(self.owner)', message: 'many copies need an owner' },
    { rule: '!has(oldSelf.owner) || (has(self.owner) && self.owner == oldSelf.owner)', message: 'owner is for ever' },
  ],
  status: { copies: field.integer('How many there are.'), selector: field.text('Labels of them.') },
  scale: { spec: '.spec.copies', status: '.status.copies', selector: '.status.selector' },
  columns: [{ name: 'Copies', path: '.spec.copies', type: 'integer' }],
  alsoServed: [{ version: 'v1beta1', deprecated: 'apps.example.com/v1beta1 Note is deprecated; use v1' }],
});
export type Note = ObjectOf<typeof notes>;

export const noteController = defineController<Note, { copies: number; selector: string }>({
  name: 'notes',
  kind: notes,
  owns: [resources.configMaps],
  async reconcile(note, { apply, children, delete: remove }) {
    const names = Array.from({ length: note.spec.copies }, (_, index) => `${note.metadata.name}-${index}`);
    for (const name of names) await apply(configMap(name, note));
    for (const extra of children(resources.configMaps)) if (!names.includes(extra.metadata.name)) await remove(extra);
    const status = { copies: names.length, selector: `note=${note.metadata.name}` };
    return {
      status,
      ready: names.length > 0 ? ready('Written', 'all are there') : notReady('Empty', 'no copies are wanted'),
    };
  },
});

function configMap(name: string, { metadata, spec }: Note): KubeObject & { data: Record<string, string> } {
  const labels = { note: metadata.name };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data: { text: spec.text } };
}

export const noteOperator = defineOperator({ name: 'note-operator', kinds: [notes], controllers: [noteController] });

if (import.meta.main) await runOperator(noteOperator);
