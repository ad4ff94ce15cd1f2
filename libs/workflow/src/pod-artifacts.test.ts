import { expect, test } from 'vitest';
import { decide, type DecideInput } from './decide.ts';
import { emptyLookup, makeTemplate, makeWorkflow } from './testing.ts';
import type { RepositoryAnswer } from './pod-artifacts.ts';
import type { Template, WorkflowSpec } from './workflow-types.ts';

const repository: RepositoryAnswer = {
  ok: true,
  value: {
    repository: { s3: { bucket: 'b', endpoint: 'e', keyFormat: 'k/{{workflow.name}}' } },
    reference: { default: true },
  },
};

function first(template: object, spec: Partial<WorkflowSpec> = {}, more: Partial<DecideInput> = {}) {
  const workflow = makeWorkflow({
    entrypoint: 'main',
    templates: [makeTemplate('main', template) as Template],
    ...spec,
  });
  const input = { workflow, lookup: emptyLookup, pods: new Map(), now: 0, artifacts: true, ...more };
  const decision = decide({ artifactRepository: repository, ...input });
  const created = decision.actions.find((action) => action.kind === 'CreatePod');
  return { decision, created };
}

const output = (artifact: object) => ({
  outputs: { artifacts: [{ name: 'out', path: '/tmp/dir/file.txt', ...artifact }] },
});

test.for([
  { name: 'packed by default', artifact: {}, key: 'k/wf/out.tgz', archive: 'tar' },
  { name: 'as zip', artifact: { archive: { zip: {} } }, key: 'k/wf/out.zip', archive: 'zip' },
  { name: 'as it is', artifact: { archive: { none: {} } }, key: 'k/wf/file.txt', archive: 'none' },
  { name: 'under its own key', artifact: { s3: { key: 'own/{{workflow.name}}' } }, key: 'own/wf', archive: 'tar' },
])('an output goes to the repository, $name', ({ artifact, key, archive }) => {
  const { created } = first(output(artifact));
  expect(created?.artifacts?.outputs).toEqual([
    {
      name: 'out',
      path: '/tmp/dir/file.txt',
      archive,
      location: { s3: { bucket: 'b', endpoint: 'e', key } },
      shown: { s3: { key } },
    },
  ]);
});

test('a complete location needs no repository', () => {
  const location = { s3: { bucket: 'mine', key: 'x' } };
  const { created } = first(output(location), {}, { artifactRepository: { ok: false, message: 'none' } });
  expect(created?.artifacts?.outputs[0]?.location).toEqual(location);
});

test('the repository is asked for once it is needed, and only then; its place stays in the status', () => {
  const unknown = { artifactRepository: undefined } as unknown as Partial<DecideInput>;
  const asking = first(output({}), { artifactRepositoryRef: { key: 'ci' } }, unknown);
  expect(asking.decision.wantsRepository).toEqual({ key: 'ci' });
  expect(asking.created).toBeUndefined();
  expect(first({}, {}, unknown).decision.wantsRepository).toBeUndefined();
  const { decision } = first(output({}));
  expect(decision.status.artifactRepositoryRef).toMatchObject({
    default: true,
    artifactRepository: { s3: { bucket: 'b' } },
  });
});

test('without a repository the step is an error that says where to make one', () => {
  const { decision } = first(output({}), {}, { artifactRepository: { ok: false, message: 'no artifact repository' } });
  expect(decision.status).toMatchObject({ phase: 'Error', message: 'no artifact repository' });
});

test.for([
  { name: 'the workflow', spec: { archiveLogs: true }, template: {}, want: true },
  {
    name: 'the template over the workflow',
    spec: { archiveLogs: true },
    template: { archiveLocation: { archiveLogs: false } },
    want: false,
  },
  { name: 'the template alone', spec: {}, template: { archiveLocation: { archiveLogs: true } }, want: true },
])('logs are kept as $name wants', ({ spec, template, want }) => {
  const logs = first(template, spec).created?.artifacts?.logs ?? [];
  expect(logs.map(({ name }) => name)).toEqual(want ? ['main-logs'] : []);
});

test.for([
  ['gcs', { gcs: { bucket: 'b', key: 'k' } }, 'Google Cloud Storage (gcs)'],
  ['azure', { azure: { container: 'c', blob: 'k' } }, 'Azure Blob Storage (azure)'],
  ['oss', { oss: { bucket: 'b', key: 'k' } }, 'Alibaba OSS (oss)'],
  ['hdfs', { hdfs: { path: '/k' } }, 'HDFS (hdfs)'],
  ['a foreign plugin', { plugin: { name: 'other', key: 'k' } }, 'artifact plugins such as other'],
  ['credentials of the machine', { s3: { bucket: 'b', key: 'k', useSDKCreds: true } }, 'credentials of the machine'],
] as const)('%s is refused before anything runs, by its name', ([, location, what]) => {
  const { decision, created } = first(output(location));
  expect(decision.status).toMatchObject({ phase: 'Failed', message: expect.stringContaining(what) });
  expect(created).toBeUndefined();
});
