import type { KubeObject, OwnerReference } from '@sluice/model';
import { describe, expect, test } from 'vitest';
import { decideOwnership, type OwnerState } from './garbage.ts';

const reference = (uid: string): OwnerReference => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid });

function owned(...uids: string[]): KubeObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', ownerReferences: uids.map(reference) } };
}

describe('an object', () => {
  const cases: { name: string; states: Record<string, OwnerState>; dependents?: boolean; want: object }[] = [
    { name: 'without owners stays', states: {}, want: { action: 'keep' } },
    { name: 'whose owner is there stays', states: { a: 'present' }, want: { action: 'keep' } },
    {
      name: 'whose owner is gone goes',
      states: { a: 'absent' },
      want: { action: 'delete', propagation: 'Background' },
    },
    {
      name: 'whose owners are all gone goes',
      states: { a: 'absent', b: 'absent' },
      want: { action: 'delete', propagation: 'Background' },
    },
    {
      name: 'with one owner left loses the others',
      states: { a: 'absent', b: 'present' },
      want: { action: 'disown', ownerReferences: [reference('b')] },
    },
    {
      name: 'whose owner waits for it goes',
      states: { a: 'waiting' },
      want: { action: 'delete', propagation: 'Background' },
    },
    {
      name: 'whose owner waits for it takes its own dependents along first',
      states: { a: 'waiting' },
      dependents: true,
      want: { action: 'delete', propagation: 'Foreground' },
    },
    { name: 'with an owner of an unknown kind stays', states: { a: 'unknown', b: 'absent' }, want: { action: 'keep' } },
  ];
  test.for(cases)('$name', ({ states, dependents = false, want }) => {
    const object = owned(...Object.keys(states));
    expect(decideOwnership(object, ({ uid }) => states[uid] ?? 'unknown', dependents)).toEqual(want);
  });

  test('that is being deleted already is let be', () => {
    const object = owned('a');
    const deleting = { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(decideOwnership(deleting, () => 'absent', false)).toEqual({ action: 'keep' });
  });
});
