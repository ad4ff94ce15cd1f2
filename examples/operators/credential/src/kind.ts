import { defineKind, field, type ObjectOf } from '@sluice/operator';

export const kind = defineKind({
  group: 'examples.sluice.dev',
  version: 'v1',
  kind: 'Credential',
  shortNames: ['cred'],
  description: 'A password that is made up, kept in a Secret, and changed from time to time.',
  spec: {
    user: field.text('Whose it is.', { minLength: 1, maxLength: 63 }),
    length: field.integer('Characters of the password.', { default: 24, minimum: 12, maximum: 128 }),
    rotateEvery: field.optional(field.duration('Make a new one this often; never, when it is not said.')),
  },
  rules: [{ rule: 'self.user == oldSelf.user', message: 'user is for ever; make another Credential' }],
  status: {
    rotatedAt: field.time('When the present password was made.'),
    rotations: field.integer('How many passwords there were.'),
  },
  columns: [
    { name: 'User', path: '.spec.user' },
    { name: 'Rotated', path: '.status.rotatedAt', type: 'date' },
  ],
});

export type Credential = ObjectOf<typeof kind>;
