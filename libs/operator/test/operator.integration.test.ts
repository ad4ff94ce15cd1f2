import { findCondition, type KubeObject, resources } from '@sluice/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineController } from '../src/define-controller.ts';
import { defineOperator } from '../src/operator.ts';
import { eventually } from '../src/testing/eventually.ts';
import { startTestCluster, type TestCluster } from '../src/testing/test-cluster.ts';
import { noteOperator, type Note, notes } from './sample-operator.ts';

const { configMaps, secrets } = resources;
let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
  await cluster.start(noteOperator);
});
afterAll(() => cluster.close());

const key = (name: string) => ({ namespace: 'default', name });
const apply = (name: string, spec: object, apiVersion = 'apps.example.com/v1') => {
  const resource = { ...notes, version: apiVersion.split('/')[1] ?? '' };
  const object = { apiVersion, kind: 'Note', metadata: key(name), spec: { tags: [], ...spec } };
  return cluster.kube.apply<Note>(resource, object, { fieldManager: 'person' });
};
const readyNote = (name: string, status: 'True' | 'False') =>
  eventually(`${name} Ready=${status}`, async () => {
    const note = await cluster.kube.get<Note>(notes, key(name));
    const ready = findCondition(note?.status?.conditions, 'Ready');
    return ready?.status === status && ready.observedGeneration === note?.metadata.generation && note;
  });
const texts = async (name: string) => {
  const { items } = await cluster.kube.list<KubeObject & { data: { text: string } }>(configMaps, {
    namespace: 'default',
    labelSelector: `note=${name}`,
  });
  return items.map(({ metadata, data }) => `${metadata.name}: ${data.text}`);
};

describe('a kind', () => {
  test('has its defaults filled in by the server', async () => {
    expect((await apply('defaults', { text: 'x' })).spec).toEqual({ text: 'x', copies: 1, size: '1Ki', tags: [] });
  });

  test.for<[string, object, RegExp]>([
    ['a field over its limit', { text: 'x', copies: 9 }, /spec\.copies.*less than or equal to 5/],
    ['a missing field', {}, /spec\.text.*Required/],
    ['a rule of a field', { text: '{{' }, /braces are not for notes/],
    ['a rule of the spec', { text: 'x', copies: 4 }, /many copies need an owner/],
    ['a word twice', { text: 'x', tags: ['a', 'a'] }, /duplicate/i],
    ['something that is no quantity', { text: 'x', size: 'big' }, /spec\.size/],
  ])('is refused for %s', async ([, spec, message]) => {
    await expect(apply('bad', spec)).rejects.toThrow(message);
  });

  test('is refused for a change that a transition rule forbids', async () => {
    await apply('owned', { text: 'x', owner: 'ada' });
    await expect(apply('owned', { text: 'x', owner: 'eve' })).rejects.toThrow(/owner is for ever/);
  });

  test('is served in every version', async () => {
    await apply('old', { text: 'from before' }, 'apps.example.com/v1beta1');
    expect((await readyNote('old', 'True')).apiVersion).toBe('apps.example.com/v1');
  });

  test('can be scaled', async () => {
    await apply('scaled', { text: 'x' });
    await readyNote('scaled', 'True');
    const scale = { spec: { replicas: 3 } };
    await cluster.kube.patch(notes, key('scaled'), { type: 'merge', body: scale }, { subresource: 'scale' });
    expect(await eventually('three copies', async () => (await texts('scaled')).length === 3)).toBe(true);
  });
});

test('a status that is written on top of an older version is refused: what plans rely on', async () => {
  const note = await apply('guarded', { text: 'x', copies: 0 });
  await readyNote('guarded', 'False');
  const { apiVersion, kind, metadata } = note;
  const { name, namespace, uid, resourceVersion } = metadata;
  const stale = { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion }, status: { copies: 3 } };
  const write = cluster.kube.apply(notes, stale as KubeObject, { fieldManager: 'plans', subresource: 'status' });
  await expect(write).rejects.toMatchObject({ code: 409, reason: 'Conflict' });
});

describe('an operator under its own service account', () => {
  test('makes, changes, repairs and removes what it owns, and tells its state', async () => {
    await apply('life', { text: 'hello', copies: 2 });
    expect((await readyNote('life', 'True')).status).toMatchObject({ copies: 2, selector: 'note=life' });
    expect(await texts('life')).toEqual(['life-0: hello', 'life-1: hello']);
    await cluster.kube.patch(configMaps, key('life-0'), { type: 'merge', body: { data: { text: 'changed' } } });
    await eventually('repaired', async () => (await texts('life'))[0] === 'life-0: hello');
    await apply('life', { text: 'bye', copies: 1 });
    await readyNote('life', 'True');
    await eventually('one copy', async () => (await texts('life')).join() === 'life-0: bye');
    await cluster.kube.delete(notes, key('life'));
    await eventually('all gone', async () => (await texts('life')).length === 0);
  });

  test('may do what its controllers declare, and nothing else', async () => {
    const kube = await cluster.as(noteOperator);
    await expect(kube.list(configMaps)).resolves.toBeDefined();
    await expect(kube.list(secrets)).rejects.toMatchObject({ code: 403 });
    await expect(kube.delete(notes, key('defaults'))).rejects.toMatchObject({ code: 403 });
  });

  test('cannot do what a controller forgot to declare: the object says so', async () => {
    const forgetful = defineController<Note, object>({
      name: 'forgetful',
      kind: notes,
      async reconcile(note, { kube }) {
        await kube.get(secrets, key(note.metadata.name));
      },
    });
    const operator = defineOperator({ name: 'forgetful-operator', kinds: [notes], controllers: [forgetful] });
    await cluster.kube.apply(
      resources.namespaces,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'small' } },
      { fieldManager: 't' },
    );
    const metadata = { namespace: 'small', name: 'n' };
    await cluster.kube.create(notes, { ...notes.build(metadata, { text: 'x', tags: [], copies: 0 }) });
    const running = await cluster.start(operator, { only: 'small' });
    const refused = await eventually('the refusal', async () => {
      const note = await cluster.kube.get<Note>(notes, metadata);
      return note?.status?.conditions?.map(({ message }) => message).find((text) => text.includes('forbidden'));
    });
    expect(refused).toContain('secrets "n" is forbidden: User "system:serviceaccount:operators:forgetful-operator"');
    await running.close();
  });

  test('kept to one namespace, has no rights in others and needs none', async () => {
    const operator = { ...noteOperator, name: 'small-operator' };
    const running = await cluster.start(operator, { only: 'small' });
    const kube = await cluster.as(operator);
    await expect(kube.list(configMaps, { namespace: 'small' })).resolves.toBeDefined();
    await expect(kube.list(configMaps, { namespace: 'default' })).rejects.toMatchObject({ code: 403 });
    await running.close();
  });
});
