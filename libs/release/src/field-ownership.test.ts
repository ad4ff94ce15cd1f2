import type { JsonObject } from '@sluice/model';
import { expect, test } from 'vitest';
import { takeOverFields } from './field-ownership.ts';

const entry = (manager: string, operation: string, fieldsV1: JsonObject, more: JsonObject = {}): JsonObject => ({
  manager,
  operation,
  apiVersion: 'v1',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...more,
});
const helm = entry('helm', 'Apply', { 'f:data': { 'f:a': {} } });

const cases: { name: string; given: readonly JsonObject[]; want: readonly JsonObject[] | undefined }[] = [
  { name: 'nothing is taken over from nobody', given: [helm, entry('other', 'Update', {})], want: undefined },
  {
    name: 'what a named manager updated is added to what the heir applied',
    given: [entry('kubectl-edit', 'Update', { 'f:data': { 'f:b': {} } }), helm],
    want: [entry('helm', 'Apply', { 'f:data': { 'f:a': {}, 'f:b': {} } })],
  },
  {
    name: 'an heir that never applied becomes one',
    given: [entry('kubectl-edit', 'Update', { 'f:data': { 'f:b': {} } })],
    want: [entry('helm', 'Apply', { 'f:data': { 'f:b': {} } })],
  },
  {
    name: 'status and other managers keep what is theirs',
    given: [
      helm,
      entry('kubectl-edit', 'Update', { 'f:status': {} }, { subresource: 'status' }),
      entry('kubectl-edit', 'Update', { 'f:data': { 'f:b': {} } }),
      entry('autoscaler', 'Update', { 'f:spec': {} }),
    ],
    want: [
      entry('helm', 'Apply', { 'f:data': { 'f:a': {}, 'f:b': {} } }),
      entry('kubectl-edit', 'Update', { 'f:status': {} }, { subresource: 'status' }),
      entry('autoscaler', 'Update', { 'f:spec': {} }),
    ],
  },
];

test.for(cases)('$name', ({ given, want }) => {
  expect(takeOverFields(given, ['kubectl-edit'], 'helm')).toEqual(want);
});
