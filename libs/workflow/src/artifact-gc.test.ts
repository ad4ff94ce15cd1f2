import { expect, test } from 'vitest';
import { artifactGcFinalizer, decideArtifactGc } from './artifact-gc.ts';
import { makeWorkflow } from './testing.ts';
import type { Workflow } from './workflow-types.ts';

const artifact = (name: string, more: object = {}) => ({ name, s3: { key: `k/${name}` }, ...more });

function ended(change: { deleting?: boolean; artifacts: readonly object[]; status?: object; spec?: object }): Workflow {
  const { deleting = false, artifacts, status = {}, spec = {} } = change;
  const made = makeWorkflow({ artifactGC: { strategy: 'OnWorkflowDeletion' }, ...spec });
  return {
    ...made,
    metadata: {
      ...made.metadata,
      finalizers: [artifactGcFinalizer],
      ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    status: {
      phase: 'Succeeded',
      artifactRepositoryRef: { artifactRepository: { s3: { bucket: 'b' } } },
      nodes: { n: { id: 'n', name: 'n', displayName: 'n', type: 'Pod', outputs: { artifacts: artifacts as never } } },
      ...status,
    },
  };
}

test('on completion only those go that say so, at their full place', () => {
  const now = artifact('now', { artifactGC: { strategy: 'OnWorkflowCompletion' } });
  expect(decideArtifactGc(ended({ artifacts: [now, artifact('later')] }), [])).toEqual({
    kind: 'create',
    strategy: 'OnWorkflowCompletion',
    artifacts: [{ node: 'n', name: 'now', location: { s3: { bucket: 'b', key: 'k/now' } } }],
  });
});

test('on deletion the others go; then the workflow may', () => {
  const processed = { artifactGCStatus: { strategiesProcessed: { OnWorkflowCompletion: true } } };
  const step = decideArtifactGc(ended({ deleting: true, artifacts: [artifact('later')], status: processed }), []);
  expect(step).toMatchObject({ kind: 'create', strategy: 'OnWorkflowDeletion', artifacts: [{ name: 'later' }] });
  const all = { artifactGCStatus: { strategiesProcessed: { OnWorkflowCompletion: true, OnWorkflowDeletion: true } } };
  const gone = artifact('later', { deleted: true });
  expect(decideArtifactGc(ended({ deleting: true, artifacts: [gone], status: all }), [])).toEqual({ kind: 'release' });
});

test('what a pod has deleted is written before the pod goes', () => {
  const step = decideArtifactGc(ended({ deleting: true, artifacts: [artifact('later')] }), [
    { name: 'p', finished: true, deleted: ['n/later'] },
  ]);
  expect(step).toMatchObject({
    kind: 'record',
    pod: 'p',
    status: {
      nodes: { n: { outputs: { artifacts: [{ name: 'later', deleted: true }] } } },
      artifactGCStatus: { podsRecouped: { p: true } },
    },
  });
});

test('what could not be deleted is told and not tried for ever; it holds the workflow unless it is forced', () => {
  const failed = [{ name: 'p', finished: true, deleted: [], error: 'no such bucket' }];
  const step = decideArtifactGc(ended({ deleting: true, artifacts: [artifact('later')] }), failed);
  const status = step.kind === 'record' ? step.status : {};
  expect(status).toMatchObject({ conditions: [{ type: 'ArtifactGCError', message: 'no such bucket' }] });
  const after = { deleting: true, artifacts: [artifact('later')], status };
  expect(decideArtifactGc(ended(after), [])).toEqual({ kind: 'none' });
  const spec = { artifactGC: { strategy: 'OnWorkflowDeletion', forceFinalizerRemoval: true } };
  expect(decideArtifactGc(ended({ ...after, spec }), [])).toEqual({ kind: 'release' });
});

test('while a pod deletes nothing else is begun, and without the finalizer nothing at all', () => {
  const workflow = ended({ deleting: true, artifacts: [artifact('later')] });
  expect(decideArtifactGc(workflow, [{ name: 'p', finished: false, deleted: [] }])).toEqual({ kind: 'wait' });
  const { finalizers: _none, ...metadata } = workflow.metadata;
  expect(decideArtifactGc({ ...workflow, metadata }, [])).toEqual({ kind: 'none' });
});
