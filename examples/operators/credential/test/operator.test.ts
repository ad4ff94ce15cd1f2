import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { findCondition, type KubeObject, resources } from '@sluice/operator';
import { eventually, startTestCluster, type TestCluster } from '@sluice/operator/testing';
import { type Credential, kind } from '../src/kind.ts';
import { credentialOperator } from '../src/operator.ts';

type Secret = KubeObject & { readonly data: Readonly<Record<string, string>> };

/** A password database that can be told to be down. */
class FakeAccounts {
  readonly passwords = new Map<string, string>();
  down = false;
  readonly set = async (user: string, password: string): Promise<void> => {
    if (this.down) throw new Error('the database does not answer');
    this.passwords.set(user, password);
  };
  readonly remove = async (user: string): Promise<void> => {
    if (this.down) throw new Error('the database does not answer');
    this.passwords.delete(user);
  };
}

let cluster: TestCluster;
let accounts: FakeAccounts;
beforeEach(async () => {
  cluster = await startTestCluster();
  accounts = new FakeAccounts();
  await cluster.start(credentialOperator(accounts));
});
afterEach(() => cluster.close());

const key = { namespace: 'default', name: 'reporting' };
const issue = (spec: object = {}) =>
  cluster.kube.create(kind, kind.build({ ...key }, { user: 'reporting', length: 16, ...spec }));
const password = async () => {
  const secret = await cluster.kube.get<Secret>(resources.secrets, key);
  return secret && Buffer.from(secret.data['password'] ?? '', 'base64').toString();
};
const ready = (status: string) =>
  eventually(`Ready=${status}`, async () => {
    const stored = await cluster.kube.get<Credential>(kind, key);
    return findCondition(stored?.status?.conditions, 'Ready')?.status === status && stored;
  });

test('a Credential gets a password once, and the database knows it', async () => {
  await issue();
  await ready('True');
  const first = await password();
  assert.equal(first?.length, 16);
  assert.equal(accounts.passwords.get('reporting'), first);
  await cluster.kube.patch(kind, key, { type: 'merge', body: { metadata: { labels: { touched: 'yes' } } } });
  assert.equal(await password(), first);
});

test('a Secret that somebody deleted is made anew, with a new password for all', async () => {
  await issue();
  await ready('True');
  const first = await password();
  await cluster.kube.delete(resources.secrets, key);
  const second = await eventually('a new password', async () => {
    const next = await password();
    return next !== undefined && next !== first && next;
  });
  await eventually('told to the database', async () => accounts.passwords.get('reporting') === second);
});

test('passwords are changed from time to time', async () => {
  await issue({ rotateEvery: '100ms' });
  const { status } = await eventually('three rotations', async () => {
    const stored = await cluster.kube.get<Credential>(kind, key);
    return (stored?.status?.rotations ?? 0) >= 3 && stored;
  });
  assert.ok(Date.parse(status?.rotatedAt ?? '') > 0);
});

test('a database that is down is told in the condition, and tried again until it is up', async () => {
  accounts.down = true;
  await issue();
  const stored = await ready('False');
  assert.match(findCondition(stored.status?.conditions, 'Ready')?.message ?? '', /the database does not answer/);
  accounts.down = false;
  await ready('True');
});

test('a deleted Credential goes only after its user has gone from the database', async () => {
  await issue();
  await ready('True');
  accounts.down = true;
  await cluster.kube.delete(kind, key);
  assert.ok((await cluster.kube.get(kind, key))?.metadata.deletionTimestamp);
  accounts.down = false;
  await eventually('gone', async () => !(await cluster.kube.get(kind, key)));
  assert.equal(accounts.passwords.size, 0);
  await eventually('the Secret too', async () => !(await cluster.kube.get(resources.secrets, key)));
});
