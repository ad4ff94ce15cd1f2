import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { findCondition, type KubeObject, resources } from '@sluice/model';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { eventually } from '../src/testing/eventually.ts';
import { startTestCluster, type TestCluster } from '../src/testing/test-cluster.ts';
import { type Note, noteOperator, notes } from './sample-operator.ts';

const program = join(import.meta.dirname, 'sample-operator.ts');
const children: ChildProcess[] = [];
let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
  await cluster.install(noteOperator);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await cluster.close();
});

type Program = {
  readonly child: ChildProcess;
  lines(): readonly Record<string, unknown>[];
  readonly ended: Promise<number>;
};

/** The program as a user starts it, with nothing in its environment but what is given. */
function launch(args: readonly string[], env: Record<string, string> = {}): Program & { readonly text: () => string } {
  const flags = ['--conditions=@sluice/source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, program, ...args], { env, stdio: 'pipe' });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  const json = (): readonly Record<string, unknown>[] =>
    output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []));
  return { child, lines: json, text: () => output, ended };
}

const message = (program: Program, msg: string) =>
  eventually(msg, async () => program.lines().find((line) => line['msg'] === msg));

test(
  'the program works on a kubeconfig, leads, tells its health and metrics, and hands over when it is stopped',
  { timeout: 60_000 },
  async () => {
    const kubeconfig = await cluster.kubeconfigOf(noteOperator);
    const first = launch(['--kubeconfig', kubeconfig]);
    const { health } = await message(first, 'ready');
    await message(first, 'lease acquired');
    const second = launch([], { KUBECONFIG: kubeconfig });
    await message(second, 'ready');
    await cluster.kube.create(notes, notes.build({ namespace: 'default', name: 'n' }, { text: 'x', tags: [] }));
    await eventually('Ready', async () => {
      const note = await cluster.kube.get<Note>(notes, { namespace: 'default', name: 'n' });
      return findCondition(note?.status?.conditions, 'Ready')?.status === 'True';
    });
    const read = async (path: string) => (await fetch(`${String(health)}${path}`)).text();
    expect(await read('/healthz')).toBe('ok\n');
    expect(await read('/readyz')).toBe('ok\n');
    const metrics = await read('/metrics');
    expect(metrics).toMatch(/controller_runtime_reconcile_total\{controller="notes",result="success"\} [1-9]/);
    expect(metrics).toContain('leader_election_master_status{name="note-operator"} 1');
    expect(metrics).toMatch(
      /rest_client_requests_total\{method="PATCH",host="[^"]+",code="200"\}|rest_client_requests_total\{/,
    );
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    await message(second, 'lease acquired');
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
  },
);

test('it prints manifests that a cluster takes', async () => {
  const { ended, text } = launch(['manifests', '--namespace', 'tools']);
  expect(await ended).toBe(0);
  const manifests = parseAllDocuments(text()).map((document) => document.toJS() as KubeObject);
  expect(manifests.map(({ kind }) => kind)).toEqual([
    'CustomResourceDefinition',
    'ServiceAccount',
    'ClusterRole',
    'ClusterRoleBinding',
    'Role',
    'RoleBinding',
  ]);
  expect(manifests[1]?.metadata).toEqual({ name: 'note-operator', namespace: 'tools' });
  await cluster.kube.apply(resources.customResourceDefinitions, manifests[0] as KubeObject, {
    fieldManager: 'x',
    dryRun: true,
  });
});

test('wrong use and a cluster that cannot be found end it with a message and code 2', async () => {
  const wrong = launch(['--listen', 'x']);
  expect(await wrong.ended).toBe(2);
  expect(wrong.text()).toContain('--listen: must read HOST:PORT');
  const lost = launch(['--kubeconfig', '/nowhere/config']);
  expect(await lost.ended).toBe(2);
  expect(lost.text()).toContain('note-operator: kubeconfig /nowhere/config');
});

test('a cluster that does not serve the kind is told, with what to do', async () => {
  const empty = await startTestCluster();
  try {
    const program = launch(['--kubeconfig', empty.kubeconfig]);
    expect(await program.ended).toBe(1);
    expect(program.text()).toContain('does not serve Note of apps.example.com/v1; install the chart, or start with');
  } finally {
    await empty.close();
  }
});
