import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, sluice, TestCluster } from './cluster.ts';

const examples = join(import.meta.dirname, '../../../examples');
const flags = ['--conditions=@sluice/source', '--disable-warning=ExperimentalWarning'];
type Image = { readonly layers: readonly object[]; readonly config: { readonly digest: string } };

const directoryOf = (example: string) => join(examples, 'operators', example);

test.for(['credential', 'project', 'database'])('the tests of the example %s pass', async (example) => {
  const cwd = directoryOf(example);
  const files = globSync('test/*.test.ts', { cwd });
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--test', ...files], {
    cwd,
    timeout: 60_000,
  });
  expect(stdout).toMatch(/pass [4-9]\n[\s\S]*fail 0\n/);
});

describe('on the platform', () => {
  const cluster = new TestCluster();
  const children: ChildProcess[] = [];
  let registry = '';

  beforeAll(async () => {
    const { kubeconfig, registryUrl } = await cluster.start();
    registry = new URL(registryUrl).host;
    for (const example of ['project', 'database']) {
      const args = [...flags, 'src/main.ts', '--apply-definitions', '--kubeconfig', kubeconfig];
      children.push(spawn(process.execPath, args, { cwd: directoryOf(example), stdio: 'ignore' }));
    }
  }, 60_000);
  afterAll(async () => {
    for (const child of children) child.kill('SIGTERM');
    await cluster.stop();
  });

  const apply = (manifest: string) =>
    eventually(cluster, 'applied', async () => {
      const { code } = await cluster.apply(manifest);
      return code === 0 || undefined;
    });
  const wait = async (...args: string[]) => {
    const { code, out, err } = await cluster.kubectl('wait', '--timeout=50s', ...args);
    expect(`${code} ${out}${err}`).toMatch(/^0 /);
  };
  const read = (path: string) => readFileSync(join(examples, path), 'utf8');

  test('a new Project gets its Jenkins from a chart, and loses it with the object', { timeout: 120_000 }, async () => {
    const pushed = await cluster.sluice(
      'package',
      'chart',
      join(examples, 'chart-kinds/jenkins/chart'),
      '--to',
      `oci://${registry}/charts/jenkins`,
    );
    expect(pushed.code).toBe(0);
    const tag = /charts\/jenkins:(\S+)/.exec(pushed.out)?.[1];
    const source = `{ interval: 1h, insecure: true, url: "oci://${registry}/charts/jenkins", ref: { tag: "${tag}" } }`;
    await apply(`apiVersion: v1\nkind: Namespace\nmetadata: { name: charts }`);
    await apply(
      `apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: { name: jenkins, namespace: charts }\nspec: ${source}`,
    );
    await apply(read('chart-kinds/jenkins/chart-kind.yaml'));
    await wait('--for=condition=Ready', 'chartkind/jenkins');
    await apply(read('operators/project/example/project.yaml'));
    await wait('--for=condition=Ready', 'project/moon');
    const releases = await cluster.helm('list', '-n', 'project-moon', '-q');
    expect(releases.out).toBe('jenkins-moon\n');
    const values = await cluster.kubectl(
      'get',
      'jenkins',
      'moon',
      '-n',
      'project-moon',
      '-o',
      'jsonpath={.spec.executors}',
    );
    expect(values.out).toBe('3');
    await cluster.kubectl('delete', 'project', 'moon', '--wait=false');
    await wait('--for=delete', 'project/moon');
    await wait('--for=delete', 'namespace/project-moon');
  });

  test('an image laid over another has the layers of both, and the command of its own', async () => {
    const directory = directoryOf('database');
    const pack = (name: string, file: string, ...more: string[]) => {
      const args = ['package', 'image', file, '--to', `${registry}/${name}:1`, ...more];
      return sluice(args, { cwd: directory, env: { SLUICE_HOME: cluster.home } });
    };
    expect((await pack('base', 'package.json', '--env', 'FROM=base')).code).toBe(0);
    expect((await pack('top', 'src/main.ts', '--base', `${registry}/base:1`, '--command', 'node')).code).toBe(0);
    const get = async (path: string) => (await fetch(`http://${registry}/v2/top/${path}`)).json() as Promise<Image>;
    const { layers, config } = await get('manifests/1');
    expect(layers).toHaveLength(2);
    expect((await get(`blobs/${config.digest}`)).config).toMatchObject({ Env: ['FROM=base'] });
    const missing = await pack('top', 'src/main.ts', '--base', `${registry}/nothing:1`);
    expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('nothing') });
  });

  test('the phases of a Database are Workflows that really run', { timeout: 120_000 }, async () => {
    await apply(read('operators/database/example/database.yaml'));
    await wait('--for=condition=Ready', 'database/orders');
    await cluster.kubectl('patch', 'database', 'orders', '--type=merge', '-p', '{"spec":{"version":"2"}}');
    await wait('--for=jsonpath={.status.plans.upgrade.state}=Succeeded', 'database/orders');
    const names = await cluster.kubectl(
      'get',
      'workflows',
      '-o',
      'jsonpath={.items[*].metadata.labels.sluice\\.dev/plan-phase}',
    );
    expect(names.out.split(' ').toSorted()).toEqual(['backup', 'migrate', 'provision', 'seed']);
    const workflows = await cluster.kubectl('get', 'workflows', '-l', 'sluice.dev/plan-phase=migrate', '-o', 'name');
    const run = workflows.out.trim().replace(/^.*\//, '');
    expect((await cluster.sluice('logs', run)).out).toContain('to schema 2');
    await cluster.kubectl('delete', 'database', 'orders', '--wait=false');
    await wait('--for=delete', 'database/orders');
    const last = await cluster.kubectl(
      'get',
      'workflows',
      '-l',
      'sluice.dev/plan-phase=export',
      '-o',
      'jsonpath={.items[*].status.phase}',
    );
    expect(last.out).toBe('Succeeded');
  });
});
