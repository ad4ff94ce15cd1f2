import { expect, test } from 'vitest';
import { treeLines } from './run-tree.ts';

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

test('nodes stand below what encloses them: steps without their groups, attempts below what is retried', () => {
  const node = (id: string, type: string, second: number, more: object = {}) => ({
    id,
    name: id.replace(/^wf-/, 'wf.'),
    displayName: id.replace(/^wf-/, ''),
    type,
    phase: 'Succeeded',
    startedAt: at(second),
    finishedAt: at(second + 2),
    ...more,
  });
  const nodes = [
    node('wf', 'Steps', 0, { templateName: 'main' }),
    node('wf-[0]', 'StepGroup', 0, { boundaryID: 'wf', children: ['wf-[0].flaky'] }),
    node('wf-[0].flaky', 'Retry', 0, {
      boundaryID: 'wf',
      displayName: 'flaky',
      children: ['wf-[0].flaky(0)', 'wf-[0].flaky(1)'],
    }),
    node('wf-[0].flaky(0)', 'Pod', 0, {
      boundaryID: 'wf',
      displayName: 'flaky(0)',
      phase: 'Failed',
      message: 'exit\ncode 1',
    }),
    node('wf-[0].flaky(1)', 'Pod', 3, { boundaryID: 'wf', displayName: 'flaky(1)', templateName: 'work' }),
    node('wf-[1]', 'StepGroup', 6, { boundaryID: 'wf', children: ['wf-[1].last'] }),
    node('wf-[1].last', 'Pod', 6, { boundaryID: 'wf', displayName: 'last' }),
  ].map((one) => ({ ...one, name: one.name.replace('wf.[', 'wf[') }));
  const workflow = {
    metadata: { name: 'wf' },
    status: { nodes: Object.fromEntries(nodes.map((one) => [one.id, one])) },
  };
  const lines = treeLines(workflow as unknown as Parameters<typeof treeLines>[0], Date.UTC(2026, 0, 2), true);
  expect(lines.map((line) => line.replace(/\s{2,}/g, ' | ').trimEnd())).toEqual([
    'STEP | TEMPLATE | PODNAME | DURATION | MESSAGE',
    ' + wf | main | 2s',
    ' |- + flaky | 2s',
    expect.stringMatching(/^ \|.*\|- x flaky\(0\) \| wf-\d+ \| 2s \| exit code 1$/),
    expect.stringMatching(/^ \|.*`- \+ flaky\(1\) \| work \| wf-work-\d+ \| 2s$/),
    expect.stringMatching(/^ `- \+ last \| wf-\d+ \| 2s$/),
  ]);
});
