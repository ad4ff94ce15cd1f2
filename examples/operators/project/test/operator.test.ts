import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiVersionOf, defineKind, field, findCondition, type KubeObject, resources } from '@sluice/operator';
import { eventually, startTestCluster, type TestCluster } from '@sluice/operator/testing';
import { jenkinses, kind, type Project } from '../src/kind.ts';
import { decide, finalize, operator } from '../src/operator.ts';

const project = (spec: Project['spec']): Project => ({ ...kind.build({ name: 'moon' }, spec), spec }) as Project;
const nothing = { children: {}, related: {} };
const specs = (objects: readonly KubeObject[]) => objects.map(({ kind: name, spec }) => [name, spec]);

// The decision is a pure function, so its rules need no cluster.
test('a Project without a Jenkins is a namespace', () => {
  const { children, status } = decide(project({ contact: 'ada' }), nothing);
  assert.deepEqual(
    children.map(({ metadata }) => metadata.name),
    ['project-moon'],
  );
  assert.equal(status.jenkins, 'None');
});

test('executors are as the Project says, else as the defaults say, else two', () => {
  const metadata = { namespace: 'default', name: 'defaults' };
  const related = { ConfigMap: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { executors: '7' } }] };
  const executors = (jenkins: { executors?: number }, observed = nothing) =>
    specs(decide(project({ contact: 'ada', jenkins }), observed).children)[1];
  assert.deepEqual(executors({ executors: 3 }), ['Jenkins', { executors: 3 }]);
  assert.deepEqual(executors({}, { children: {}, related }), ['Jenkins', { executors: 7 }]);
  assert.deepEqual(executors({}), ['Jenkins', { executors: 2 }]);
});

test('a Project that goes waits for its Jenkins, and keeps the namespace until then', () => {
  const jenkins: KubeObject = { apiVersion: 'ci.example.com/v1', kind: 'Jenkins', metadata: { name: 'moon' } };
  const spec = { contact: 'ada', jenkins: {} };
  assert.equal(finalize(project(spec), { children: { Jenkins: [jenkins] }, related: {} }).finalized, false);
  assert.equal(finalize(project(spec), nothing).finalized, true);
});

// And on a real API server, under the operator's own rights. The kind Jenkins has a stand-in: nothing is installed here.
let cluster: TestCluster;
before(async () => {
  cluster = await startTestCluster();
  const { group, version, plural, kind: name } = jenkinses;
  const spec = { executors: field.integer('Builds at a time.') };
  const standIn = defineKind({ group, version, plural, kind: name, description: 'Stands for the chart.', spec });
  await cluster.install({ ...operator, kinds: [standIn] });
  await cluster.start(operator);
});
after(() => cluster.close());

test('a new Project gets its namespace and its Jenkins, tells when it is ready, and takes both with it', async () => {
  const { kube } = cluster;
  const key = { namespace: 'project-moon', name: 'moon' };
  await kube.create(kind, kind.build({ name: 'moon' }, { contact: 'ada', jenkins: { executors: 3 } }));
  const jenkins = await eventually('a Jenkins', async () => kube.get(jenkinses, key));
  assert.deepEqual(jenkins.spec, { executors: 3 });
  const status = () => kube.get<Project>(kind, { name: 'moon' }).then((stored) => stored?.status);
  await eventually('installing', async () => (await status())?.jenkins === 'Installing');

  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'Installed',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const said = {
    apiVersion: apiVersionOf(jenkinses),
    kind: 'Jenkins',
    metadata: key,
    status: { conditions: [condition] },
  };
  await kube.apply(jenkinses, said, { fieldManager: 'stand-in', subresource: 'status' });
  const conditions = await eventually('ready', async () => {
    const now = await status();
    return now?.jenkins === 'Ready' && now.conditions;
  });
  assert.equal(findCondition(conditions, 'Ready')?.status, 'True');

  await kube.delete(kind, { name: 'moon' });
  await eventually('all gone', async () => !(await kube.get(kind, { name: 'moon' })));
  await eventually('the namespace too', async () => !(await kube.get(resources.namespaces, { name: 'project-moon' })));
});
