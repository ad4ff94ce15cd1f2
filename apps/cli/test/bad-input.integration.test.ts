import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CommandResult, eventually, pushFiles, sluice, TestCluster } from './cluster.ts';

const scratch = mkdtempSync(join(tmpdir(), 'sluice-bad-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const anyPort: Readonly<Record<string, string>> = {
  '--api-port': '0',
  '--forge-port': '0',
  '--registry-port': '0',
  '--receiver-port': '0',
};

/** `sluice up` that is expected to refuse. */
function up(home: string, changes: Readonly<Record<string, string>> = {}, env = {}): Promise<CommandResult> {
  const flags = Object.entries({ ...anyPort, ...changes }).flat();
  return sluice(['up', '--data', home, ...flags], { env });
}

describe('sluice up', () => {
  test.for(Object.keys(anyPort))('with the port of %s taken names the port and how to choose another', async (flag) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const home = join(scratch, flag);
    const { code, out, err } = await up(home, { [flag]: String(port) });
    await new Promise((resolve) => server.close(resolve));
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(new RegExp(`port ${port} on 127.0.0.1 is already taken.*${flag}`));
    expect(readdirSync(home)).not.toContain('lock');
  });

  test('with a port that is none says which option, and makes nothing', async () => {
    const { code, err } = await up(join(scratch, 'none'), { '--api-port': '70000', '--forge-port': 'x' });
    expect(code).toBe(2);
    expect(err).toMatch(/--api-port 70000: must be a port[\s\S]*--forge-port x: must be a port/);
    expect(readdirSync(scratch)).not.toContain('none');
  });

  test('without a git binary says how to install one, and makes nothing', async () => {
    const bin = join(scratch, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    const { code, err } = await up(join(scratch, 'nogit'), {}, { PATH: bin });
    expect(code).toBe(1);
    expect(err).toMatch(/no git was found in PATH .*apt-get install git/);
    expect(readdirSync(scratch)).not.toContain('nogit');
  });

  test('over a data directory of a newer version refuses and leaves it untouched', async () => {
    const home = join(scratch, 'newer');
    mkdirSync(home);
    writeFileSync(join(home, 'version'), '999\n');
    const { code, err } = await up(home);
    expect(code).toBe(1);
    expect(err).toMatch(/has format 999, this Sluice knows formats up to \d+; upgrade Sluice.*--data/);
    expect(readdirSync(home)).toEqual(['version']);
    expect(readFileSync(join(home, 'version'), 'utf8')).toBe('999\n');
  });

  test('over a directory that is not one of Sluice says so', async () => {
    const home = join(scratch, 'foreign');
    mkdirSync(home);
    writeFileSync(join(home, 'version'), 'six\n');
    const { code, err } = await up(home);
    expect(code).toBe(1);
    expect(err).toMatch(/version holds "six", not a format version; this is not a Sluice data directory/);
    expect(readdirSync(home)).toEqual(['version']);
  });
});

describe('a running cluster', () => {
  const cluster = new TestCluster();
  beforeAll(async () => {
    await cluster.start();
  }, 60_000);
  afterAll(() => cluster.stop(), 30_000);

  test('keeps its data directory: a second one on it is refused by the pid of the first', async () => {
    const { code, err } = await up(cluster.home);
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`in use by process ${cluster.context().pid}.*sluice down`));
    expect((await cluster.sluice('get', 'repos')).code).toBe(0);
  });

  test(
    'reports a broken pipeline file at its place with the fix, and runs the others',
    { timeout: 60_000 },
    async () => {
      await cluster.sluice('repo', 'add', 'places');
      const sha = await pushFiles(cluster, 'places', {
        '.sluice/good.yaml': pipeline('good', '{ name: hello, run: echo hi }'),
        '.sluice/typo.yaml': pipeline('typo', '\n    - name: hello\n      runs: echo hi'),
        '.sluice/torn.yaml': 'apiVersion: sluice.dev/v1alpha1\nkind: Pipeline\nmetadata: { name: torn\nspec: {}\n',
      });
      const checks = await finishedChecks(cluster, sha, ['good', 'sluice']);
      expect(checks['good']?.conclusion).toBe('success');
      expect(checks['sluice']?.conclusion).toBe('failure');
      const places = checks['sluice']?.annotations?.map(
        ({ path, startLine, startColumn, message }) => `${path}:${startLine}:${startColumn}: ${message}`,
      );
      expect(places).toEqual(
        expect.arrayContaining([
          '.sluice/typo.yaml:8:7: spec.steps.0.runs: there is no field "runs"; did you mean "run"?',
          expect.stringMatching(/^\.sluice\/torn\.yaml:4:1: not YAML: /),
        ]),
      );
      expect(places?.some((place) => place.includes('good.yaml'))).toBe(false);
    },
  );

  test(
    'shows the red check of a commit whose only pipeline file is broken, though nothing ran',
    { timeout: 60_000 },
    async () => {
      await cluster.sluice('repo', 'add', 'nothing');
      const sha = await pushFiles(cluster, 'nothing', { '.sluice/ci.yaml': 'kind: Pipelin\n' });
      const checks = await finishedChecks(cluster, sha, ['sluice']);
      expect(checks['sluice']).toMatchObject({
        conclusion: 'failure',
        title: expect.stringMatching(/errors? in 1 pipeline file/),
      });
      expect((await cluster.sluice('get', 'runs', '--sha', sha)).err).toBe('no runs\n');
    },
  );

  test('names the image that is not in the registry while the step waits', { timeout: 60_000 }, async () => {
    await cluster.sluice('repo', 'add', 'images');
    const image = `${new URL(cluster.context().registryUrl).host}/images/absent:1`;
    const sha = await pushFiles(cluster, 'images', {
      '.sluice/ci.yaml': pipeline('ci', `{ name: unit, image: "${image}", run: "true" }`),
    });
    const check = await eventually(cluster, 'a check that names the image', async () =>
      (await checksOf(cluster, sha)).find(({ title }) => title.includes('cannot start')),
    );
    expect(check.title).toMatch(
      new RegExp(
        `step "unit" cannot start: (?:ErrImagePull|ImagePullBackOff): image "${image}" is not in the registry`,
      ),
    );
    const { out } = await cluster.kubectl('get', 'workflows', '-l', `sluice.dev/sha=${sha}`, '-o', 'yaml');
    expect(out).toMatch(/pendingTimeout: 10m/);
  });

  test('names the path of a chart that is not there', { timeout: 60_000 }, async () => {
    await cluster.sluice('repo', 'add', 'charts');
    const sha = await pushFiles(cluster, 'charts', {
      '.sluice/ci.yaml': pipeline('ci', '{ name: chart, package: { chart: { path: deploy/chart } } }'),
    });
    const { ci } = await finishedChecks(cluster, sha, ['ci']);
    expect(ci?.conclusion).toBe('failure');
    expect(ci?.title).toContain('Step "chart" failed');
    expect(ci?.text).toMatch(/chart "deploy\/chart": the chart has no Chart\.yaml/);
  });

  test.for([
    {
      name: 'a template kind that is not supported',
      edit: ['container: { image: busybox }', 'plugin: { hello: {} }'],
      says: /:7:\d+: templates\.main\.plugin: plugin: plugin templates are not supported yet/,
    },
    { name: 'a template that is not there', edit: ['entrypoint: main', 'entrypoint: mian'], says: /:5:3: .*mian/ },
    { name: 'text that is no YAML', edit: ['spec:', 'spec: ['], says: /:\d+:\d+: / },
  ] as const)('refuses to submit $name at its place, and submits nothing', async ({ edit, says }) => {
    const file = join(scratch, 'workflow.yaml');
    writeFileSync(file, workflow.replace(edit[0], edit[1]));
    const { code, err } = await cluster.sluice('submit', file);
    expect(code).toBe(3);
    expect(err).toMatch(new RegExp(file.replaceAll('.', '\\.') + says.source));
    expect((await cluster.sluice('get', 'runs', '-o', 'name')).out).not.toContain('bad-submit');
  });

  test('fails a workflow of an unsupported kind that came past the command, by name', { timeout: 30_000 }, async () => {
    const manifest = workflow.replace('container: { image: busybox }', 'plugin: { hello: {} }');
    expect((await cluster.apply(manifest.replace('bad-submit', 'bad-apply'))).code).toBe(0);
    const message = await eventually(cluster, 'the refusal', async () => {
      const { out } = await cluster.kubectl(
        'get',
        'workflow',
        'bad-apply',
        '-o',
        'jsonpath={.status.phase}: {.status.message}',
      );
      return out.startsWith('Error') || out.startsWith('Failed') ? out : undefined;
    });
    expect(message).toMatch(/plugin templates are not supported/);
  });
});

describe('a full disk', () => {
  const disk = mkdtempSync(join(tmpdir(), 'sluice-disk-'));
  const mounted = mountSmallDisk(disk);
  const ballast = join(disk, 'ballast');
  afterAll(() => {
    if (mounted) execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  test.skipIf(!mounted).for([0, 100, 600])(
    'with %i KiB left ends `sluice up` with a clear message (needs root to mount)',
    async (left) => {
      fill(ballast, disk, left * 1_024);
      const { code, out, err } = await up(join(disk, `home-${left}`));
      rmSync(ballast);
      rmSync(join(disk, `home-${left}`), { recursive: true, force: true });
      expect(code).toBe(1);
      expect(out).toBe('');
      expect(err).toMatch(/error: .*no space left/);
    },
  );

  test.skipIf(!mounted)(
    'while running refuses writes by name, and goes on when space returns with nothing acknowledged lost (needs root to mount)',
    { timeout: 120_000 },
    async () => {
      const cluster = new TestCluster(disk);
      try {
        await cluster.start();
        await cluster.sluice('repo', 'add', 'full');
        const acknowledged = ['before'];
        expect((await cluster.kubectl('create', 'configmap', 'before')).code).toBe(0);
        fill(ballast, disk, 300 * 1_024);
        const refused = await eventually(cluster, 'a refused write', async () => {
          const name = `during-${acknowledged.length}`;
          const result = await cluster.kubectl('create', 'configmap', name, `--from-literal=a=${'x'.repeat(10_000)}`);
          if (result.code !== 0) return result;
          acknowledged.push(name);
          return undefined;
        });
        expect(refused.err).toMatch(/failed to create configmap: no space left for the store in .*free some/);
        expect((await cluster.kubectl('get', 'configmap', 'before')).code).toBe(0);
        await expect(pushFiles(cluster, 'full', { 'large.bin': randomBytes(2 << 20).toString('hex') })).rejects.toThrow(
          /push/,
        );

        rmSync(ballast);
        expect((await cluster.kubectl('create', 'configmap', 'after')).code).toBe(0);
        const sha = await pushFiles(cluster, 'full', { '.sluice/ci.yaml': pipeline('ci', '{ name: a, run: "true" }') });
        expect((await finishedChecks(cluster, sha, ['ci']))['ci']?.conclusion).toBe('success');
        await cluster.kill();
        await cluster.start();
        const { out } = await cluster.kubectl('get', 'configmaps', '-o', 'name');
        for (const name of [...acknowledged, 'after']) expect(out).toContain(`configmap/${name}\n`);
      } finally {
        await cluster.stop();
      }
    },
  );
});

function mountSmallDisk(directory: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Leave so many bytes of the disk free. */
function fill(file: string, disk: string, left: number): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - left)));
}

const workflow = `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: bad-submit }
spec:
  entrypoint: main
  templates:
    - { name: main, container: { image: busybox } }
`;

function pipeline(name: string, step: string): string {
  return `apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name} }
spec:
  on: { push: { branches: [main] } }
  steps: ${step.startsWith('{') ? `[${step}]` : step.trimEnd()}
`;
}

type Check = {
  readonly name: string;
  readonly sha: string;
  readonly status: string;
  readonly conclusion?: string;
  readonly title: string;
  readonly text?: string;
  readonly annotations?: readonly {
    readonly path: string;
    readonly startLine: number;
    readonly startColumn: number;
    readonly message: string;
  }[];
};

async function checksOf(cluster: TestCluster, sha: string): Promise<Check[]> {
  const { out } = await cluster.sluice('get', 'checks', '--sha', sha, '-o', 'json');
  return JSON.parse(out || '[]') as Check[];
}

function finishedChecks(cluster: TestCluster, sha: string, names: readonly string[]): Promise<Record<string, Check>> {
  return eventually(cluster, `checks ${names.join(', ')}`, async () => {
    const done = (await checksOf(cluster, sha)).filter(({ status }) => status === 'completed');
    const byName = Object.fromEntries(done.map((check) => [check.name, check]));
    return names.every((name) => byName[name]) ? byName : undefined;
  });
}
