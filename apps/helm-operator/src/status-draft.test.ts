import { resources, type HelmReleaseStatus, type KubeObject } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { expect, test } from 'vitest';
import { Interrupts } from './interrupts.ts';
import { StatusDraft } from './status-draft.ts';

const key = { namespace: 'apps', name: 'demo' };

function draftOf(kube: FakeKube, status: HelmReleaseStatus): StatusDraft<HelmReleaseStatus> {
  const object = { apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease', metadata: key, status };
  const stored = kube.put<KubeObject<unknown, HelmReleaseStatus>>(resources.helmReleases, object);
  return new StatusDraft(kube, resources.helmReleases, stored, { now: () => 0 });
}

test('a status that did not change is not written', async () => {
  const kube = new FakeKube();
  const draft = draftOf(kube, { failures: 1, history: [] });
  draft.set({ failures: 1, history: [] });
  await draft.save();
  expect(kube.writes()).toBe(0);
});

test('what changed is written once, what went is removed', async () => {
  const kube = new FakeKube();
  const draft = draftOf(kube, { failures: 1, lastHandledForceAt: 'a' });
  draft.condition({ type: 'Ready', status: 'True', reason: 'A', message: 'm' });
  const { lastHandledForceAt: _gone, ...rest } = draft.current;
  draft.current = { ...rest, failures: 2 };
  await draft.save();
  await draft.save();
  expect(kube.writes()).toBe(1);
  expect(kube.object<KubeObject>(resources.helmReleases, key).status).toEqual({
    failures: 2,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'A',
        message: 'm',
        observedGeneration: 1,
        lastTransitionTime: '1970-01-01T00:00:00Z',
      },
    ],
  });
});

test('an object that was deleted meanwhile is no error', async () => {
  const kube = new FakeKube();
  const draft = draftOf(kube, {});
  await kube.delete(resources.helmReleases, key);
  draft.set({ failures: 1 });
  await expect(draft.save()).resolves.toBeUndefined();
});

test('an interrupt reaches the operation that runs, and none that ended', () => {
  const interrupts = new Interrupts();
  const outer = new AbortController();
  const first = interrupts.begin('a', outer.signal);
  first.end();
  const second = interrupts.begin('a', outer.signal);
  first.end();
  interrupts.supersede('b', 'not ours');
  interrupts.supersede('a', 'the spec changed');
  expect([first.signal.aborted, second.signal.aborted, outer.signal.aborted]).toEqual([false, true, false]);
  expect(String(second.signal.reason)).toContain('the spec changed');
});
