import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CommandResult, eventually, TestCluster } from './cluster.ts';

const cluster = new TestCluster();
beforeAll(async () => {
  await cluster.start();
}, 60_000);
afterAll(() => cluster.stop(), 30_000);

function file(name: string, text: string): string {
  const path = join(cluster.directory, name);
  writeFileSync(path, text);
  return path;
}

const sh = (script: string): string => `{ image: busybox, command: [sh, -c, ${JSON.stringify(script)}] }`;

const approval = `
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { generateName: approval-, labels: { team: blue } }
spec:
  entrypoint: main
  arguments: { parameters: [{ name: who, value: nobody }] }
  templates:
    - name: main
      steps:
        - - { name: ask, template: ask }
        - - name: tell
            template: tell
            arguments: { parameters: [{ name: word, value: "{{steps.ask.outputs.parameters.word}}" }] }
    - name: ask
      suspend: {}
      outputs: { parameters: [{ name: word, valueFrom: { supplied: {} } }] }
    - name: tell
      inputs: { parameters: [{ name: word }] }
      container: ${sh('echo {{inputs.parameters.word}} to {{workflow.parameters.who}}')}
`;

const stored = `
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: { name: fails-once }
spec:
  entrypoint: main
  arguments: { parameters: [{ name: code, value: "1" }] }
  templates:
    - name: main
      dag:
        tasks:
          - { name: good, template: exit, arguments: { parameters: [{ name: code, value: "0" }] } }
          - { name: bad, template: exit, depends: good, arguments: { parameters: [{ name: code, value: "{{workflow.parameters.code}}" }] } }
    - name: exit
      inputs: { parameters: [{ name: code }] }
      container: ${sh('exit {{inputs.parameters.code}}')}
`;

const cron = `
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: { name: nightly }
spec:
  # at night
  schedule: "0 3 * * *"
  timezone: Europe/Berlin
  workflowSpec:
    entrypoint: main
    templates: [{ name: main, container: ${sh('true')} }]
`;

async function expectCommand(args: string, code: number, says: RegExp): Promise<CommandResult> {
  const result = await cluster.sluice(...args.split(' '));
  expect(`${args}: ${result.code}\n${result.out}${result.err}`).toMatch(new RegExp(`: ${code}\\n`));
  expect(`${result.out}${result.err}`, args).toMatch(says);
  return result;
}

const phase = async (name: string): Promise<string> =>
  (await cluster.kubectl('get', 'workflow', name, '-o', 'jsonpath={.status.phase}')).out;

test('submit, suspend, set outputs, resume: the tree, the list and the log tell it', { timeout: 90_000 }, async () => {
  const path = file('approval.yaml', approval);
  const submitted = await cluster.sluice('submit', path, '-p', 'who=you', '-o', 'name');
  const name = submitted.out.trim();
  await eventually(cluster, 'the suspension', async () =>
    (await cluster.sluice('get', name)).out.includes('* ask') ? true : undefined,
  );
  await expectCommand(`list --running -l team=blue`, 0, new RegExp(`${name}\\s+Running`));
  await expectCommand(`resume ${name} --node-field-selector displayName=ask`, 1, /'word' has not been set/);
  await expectCommand(
    `node set ${name} --node-field-selector displayName=ask -p wrong=x`,
    1,
    /no output parameter 'wrong'/,
  );
  await expectCommand(`node set @latest --node-field-selector displayName=ask -p word=hello`, 0, /outputs set/);
  await expectCommand(`resume ${name}`, 0, /resumed/);
  await expectCommand(`watch ${name}`, 0, /Succeeded/);
  await expectCommand(`get ${name}`, 0, /Parameter who:\s+you[\s\S]*\|- \+ ask[\s\S]*`- \+ tell/);
  await expectCommand(`stop ${name}`, 1, /has ended already \(Succeeded\)/);
  await expectCommand(`list --status succeeded --prefix approval`, 0, new RegExp(name));
  await expectCommand(`delete --completed --prefix approval --dry-run`, 0, /dry run/);
  await expectCommand(`delete ${name}`, 0, /deleted/);
  await expectCommand(`get ${name}`, 4, /there is no run/);
});

test('a stored template fails, is retried with another argument and resubmitted', { timeout: 90_000 }, async () => {
  const path = file('template.yaml', stored);
  await expectCommand(`template create ${path}`, 0, /workflow template fails-once created/);
  await expectCommand(`template create ${path}`, 1, /already exists/);
  await expectCommand(`template update ${path}`, 0, /updated/);
  await expectCommand('template list', 0, /fails-once\s+main, exit/);
  await expectCommand('template get nowhere', 4, /no workflow template "nowhere"/);
  await expectCommand('submit --from workflowtemplate/nowhere', 4, /no such object/);
  await expectCommand('submit --from nonsense', 2, /must read KIND\/NAME/);
  const run = await cluster.sluice('submit', '--from', 'workflowtemplate/fails-once', '--wait', '-o', 'name');
  expect(run.code).toBe(1);
  const name = run.out.trim();
  await expectCommand(`retry ${name} -p code=0 --wait`, 0, /retried[\s\S]*Succeeded/);
  await expectCommand(`retry ${name}`, 1, /succeeded: to run parts of it again/);
  await expectCommand(`resubmit ${name} -p code=0 --wait`, 0, /submitted[\s\S]*Succeeded/);
  await expectCommand('template delete fails-once', 0, /deleted/);
});

test('stop and terminate end a run promptly; a suspended one starts nothing', { timeout: 60_000 }, async () => {
  const path = file('sleeper.yaml', approval.replaceAll('approval', 'sleeper'));
  for (const [verb, says] of [
    ['stop', "Stopped with strategy 'Stop'"],
    ['terminate', "Stopped with strategy 'Terminate'"],
  ] as const) {
    const name = (await cluster.sluice('submit', path, '-o', 'name')).out.trim();
    await expectCommand(`suspend ${name}`, 0, /suspended/);
    await expectCommand(`${verb} ${name}`, 0, /stopped|terminated/);
    await expectCommand(`resume ${name}`, 0, /resumed/);
    await expectCommand(`wait ${name}`, 1, new RegExp(`Failed[\\s\\S]*${says}`));
    expect(await phase(name)).toBe('Failed');
  }
});

test(
  'cron workflows are converted, created, shown, suspended, backfilled and deleted',
  { timeout: 60_000 },
  async () => {
    const old = file('cron-3.yaml', cron);
    const { out } = await expectCommand(`convert ${old}`, 0, /# at night\n\s+schedules:\n\s+- "0 3 \* \* \*"/);
    const path = file('cron-4.yaml', out);
    await expectCommand(`lint ${old}`, 0, /schedule is of Argo Workflows 3\.x/);
    await expectCommand(`lint ${path}`, 0, /no problems/);
    await expectCommand(`cron create ${path}`, 0, /nightly created/);
    await expectCommand(
      'cron list',
      0,
      /nightly\s+\S+\s+N\/A\s+\S+T0[12]:00:00Z\s+0 3 \* \* \*\s+Europe\/Berlin\s+false/,
    );
    await expectCommand('cron suspend nightly', 0, /suspended/);
    await expectCommand('cron get nightly', 0, /Suspended:\s+true[\s\S]*NextScheduledTime:\s+N\/A/);
    await expectCommand('cron resume nightly', 0, /resumed/);
    await expectCommand('cron backfill nightly --start yesterday', 2, /must be a time/);
    await expectCommand(
      'cron backfill nightly --start 2026-01-01T00:00:00Z --end 2026-01-02T12:00:00Z',
      0,
      /nightly-1767232800-backfill submitted\nworkflow nightly-1767319200-backfill submitted/,
    );
    await expectCommand('wait nightly-1767319200', 0, /Succeeded/);
    await expectCommand('submit --from cronworkflow/nightly --wait', 0, /Succeeded/);
    await expectCommand('cron delete nightly', 0, /deleted/);
    await expectCommand('cron get nightly', 4, /no cron workflow "nightly"/);
  },
);

test('lint tells of unknown fields with their place and the nearest name', async () => {
  const path = file('typo.yaml', approval.replace('suspend: {}', 'suspend: { duratoin: 5 }'));
  await expectCommand(`lint ${path}`, 3, /typo\.yaml:16:\d+: .*unknown field "duratoin"; did you mean "duration"\?/);
});
