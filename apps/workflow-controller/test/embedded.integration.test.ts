import { expect, test } from 'vitest';
import { shell, startCluster } from './cluster.ts';

test('real processes: a script’s result fans out, a file becomes a global output, a failure is retried, the exit handler runs', async () => {
  const cluster = await startCluster();
  const tasks = [
    { name: 'make', template: 'list' },
    {
      name: 'each',
      template: 'say',
      depends: 'make',
      withParam: '{{tasks.make.outputs.result}}',
      arguments: { parameters: [{ name: 'm', value: '{{item}}' }] },
    },
    { name: 'file', template: 'file', depends: 'make' },
    { name: 'flaky', template: 'flaky', depends: 'make' },
    {
      name: 'use',
      template: 'say',
      depends: 'each && file && flaky',
      arguments: {
        parameters: [{ name: 'm', value: '{{tasks.file.outputs.parameters.digest}} {{tasks.each.outputs.result}}' }],
      },
    },
  ];
  const workflow = await cluster.run(
    [
      { name: 'main', dag: { tasks } },
      { name: 'list', script: { image: 'tools', command: ['sh'], source: `echo '["a","b c"]'` } },
      {
        name: 'say',
        inputs: { parameters: [{ name: 'm' }] },
        container: { image: 'tools', command: ['echo', '{{inputs.parameters.m}}'] },
      },
      {
        name: 'file',
        container: shell('echo sha256:42 > /tmp/digest'),
        outputs: { parameters: [{ name: 'digest', globalName: 'the-digest', valueFrom: { path: '/tmp/digest' } }] },
      },
      { name: 'flaky', retryStrategy: { limit: 2 }, container: shell('test {{retries}} -ge 1') },
    ],
    { onExit: 'list' },
  );
  expect(workflow.status).toMatchObject({
    phase: 'Succeeded',
    outputs: { parameters: [{ name: 'the-digest', value: 'sha256:42' }] },
  });
  const inputs = Object.fromEntries(
    Object.values(workflow.status?.nodes ?? {}).map((node) => [node.name, node.inputs?.parameters?.[0]?.value]),
  );
  expect(inputs['real.each(1:b c)']).toBe('b c');
  expect(inputs['real.use']).toBe('sha256:42 ["a","b c"]');
  expect(Object.keys(inputs)).toContain('real.onExit');
});

test('real processes: the exit code of a failing step is in the message of its node', async () => {
  const cluster = await startCluster();
  const workflow = await cluster.run([{ name: 'main', container: shell('exit 7') }]);
  expect(workflow.status).toMatchObject({ phase: 'Failed', message: 'main: Error (exit code 7)' });
});
