import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type KubeObject, keys, resources } from '@sluice/model';
import { startNodeAgent, type NodeAgent } from '@sluice/node-agent';
import { makePod, PodDriver } from '@sluice/node-agent/testing';
import { FakeKube } from '@sluice/reconcile/testing';
import { createRegistry, type Registry } from '@sluice/registry';
import { type HttpServer, serveHttp, silentLog } from '@sluice/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registryImages } from '../src/registry-images.ts';
import { buildImage, startContainerd, type TestContainerd, whyNoContainerd } from './containerd.ts';

type Ran = Awaited<ReturnType<PodDriver['run']>>;

const why = whyNoContainerd();

describe.skipIf(why !== '')(`pods in containerd${why && ` (skipped: ${why})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-containerd-'));
  const kube = new FakeKube();
  let containerd: TestContainerd;
  let registry: Registry;
  let server: HttpServer;
  let driver: PodDriver;
  let image = '';
  beforeAll(async () => {
    containerd = await startContainerd(directory);
    registry = await createRegistry({ directory: join(directory, 'registry'), log: silentLog });
    server = await serveHttp(registry.handle, { host: '127.0.0.1', port: 0, onError: () => {} });
    const host = new URL(server.url).host;
    image = `${host}/apps/tool:v1`;
    const passwd = 'root:x:0:0::/:/bin/sh\nworker:x:1234:4321::/:/bin/sh\n';
    const files = { passwd, 'data.txt': 'from the image\n' };
    await buildImage(directory, image, files, 'COPY passwd /etc/passwd\nWORKDIR /work\nCMD ["cat", "/data.txt"]');
    await buildImage(directory, `${host}/apps/worker:v1`, files, 'COPY passwd /etc/passwd\nUSER worker\nCMD ["id"]');
    driver = new PodDriver(kube, {
      runtime: 'containerd',
      containerdAddress: containerd.address,
      images: registryImages(registry, host),
      backoff: { baseMs: 100, maxMs: 1_000, resetMs: 600_000 },
    });
    await driver.start();
  });
  afterAll(async () => {
    await driver.dispose();
    await server.close();
    await registry.close();
    await containerd.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const sh = (name: string, script: string, more: object = {}) => makePod(name).sh(script, { image, ...more });
  const endOf = (pod: Ran) => pod.status?.containerStatuses?.[0]?.state.terminated;

  test('the choice is told by the agent and on the Node', () => {
    expect(driver.agent).toMatchObject({
      runtime: 'containerd',
      reason: expect.stringMatching(/^containerd .* answers$/),
    });
    const node = kube.object<KubeObject>(resources.nodes, { name: 'local' });
    expect(node.metadata.labels?.['sluice.dev/runtime']).toBe('containerd');
    expect(node.metadata.annotations?.['sluice.dev/resource-limits']).toMatch(/^cpu and memory are enforced/);
  });

  test("an image runs its own command with its own files, variables and directory, and nothing of the host's", async () => {
    const builder = makePod('own').spec({ containers: [{ name: 'main', image }] });
    const pod = await driver.run(builder);
    expect([pod.status?.phase, await driver.logs(pod)]).toEqual(['Succeeded', 'from the image\n']);
    expect(pod.status?.containerStatuses?.[0]?.imageID).toMatch(/^sha256:/);
    const look = await driver.run(sh('look', `echo $GREETING; echo "$PWD"; ls /; test -e ${directory} || echo hidden`));
    expect(await driver.logs(look)).toMatch(/^hello\n\/work\n(?:.*\n)*hidden\n$/);
    expect(await driver.logs(look)).not.toMatch(/^(?:usr|home|root)$/m);
  });

  test('exit codes, streams and messages are told as they are', async () => {
    const pod = await driver.run(sh('ends', 'echo out; echo err >&2; echo why > /dev/termination-log; exit 3'));
    expect(endOf(pod)).toMatchObject({ exitCode: 3, reason: 'Error', message: 'why\n' });
    expect((await driver.logs(pod)).split('\n').toSorted()).toEqual(['', 'err', 'out']);
    const missing = await driver.run(makePod('missing').sh('', { image, command: ['/nope'] }));
    expect(endOf(missing)).toMatchObject({
      exitCode: 127,
      reason: 'ContainerCannotRun',
      message: expect.stringContaining('/nope'),
    });
  });

  test('captured outputs are read from the container', async () => {
    const parameters = [{ name: 'p', path: '/work/p' }];
    const annotations = { [keys.outputs]: JSON.stringify({ container: 'main', result: true, parameters }) };
    const pod = await driver.run(
      sh('outputs', 'echo noise >&2; echo result; echo value > /work/p').annotations(annotations),
    );
    expect(JSON.parse(endOf(pod)?.message ?? '')).toMatchObject({ result: 'result', parameters: { p: 'value' } });
  });

  test('the user is the image, or the one that the pod asks for; nobody gains rights', async () => {
    const worker = image.replace('tool', 'worker');
    const own = await driver.run(makePod('user').spec({ containers: [{ name: 'main', image: worker }] }));
    expect(await driver.logs(own)).toMatch(/^uid=1234.* gid=4321/);
    const securityContext = { runAsUser: 1000, runAsGroup: 2000, capabilities: { drop: ['ALL'] } };
    const mounts = { volumeMounts: [{ name: 'v', mountPath: '/v' }], securityContext };
    const script =
      'id -u; id -g; echo x > /v/x && cat /v/x; cat /proc/self/status | while read a b; do case $a in CapEff:|CapBnd:) echo $b;; esac; done';
    const asked = await driver.run(sh('asked', script, mounts).volume({ name: 'v', emptyDir: {} }));
    expect(await driver.logs(asked)).toBe('1000\n2000\nx\n0000000000000000\n0000000000000000\n');
  });

  test('a container sees no process of another, and its own file system can be read-only', async () => {
    const other = driver.create(sh('other', 'exec sleep 60'));
    await driver.until(other, ({ phase }) => phase === 'Running');
    const script = 'cat /proc/[0-9]*/cmdline | tr "\\0" " "; touch /x || echo refused';
    const pod = await driver.run(sh('alone', script, { securityContext: { readOnlyRootFilesystem: true } }));
    const output = await driver.logs(pod);
    expect(output).not.toContain('sleep 60');
    expect(output).toContain('refused');
    driver.delete(other, 0);
    await driver.gone(other);
  });

  test('limits are enforced by cgroups', async () => {
    const limits = { resources: { limits: { memory: '24Mi', cpu: '500m' } } };
    const pod = await driver.run(sh('greedy', 'x=x; while true; do x=$x$x; done', limits));
    expect(endOf(pod)).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  test('a deletion asks first, and kills after the grace', async () => {
    const trap = "trap 'echo bye; exit 0' TERM; echo up; while true; do sleep 1 & wait $!; done";
    const polite = driver.create(sh('polite', trap));
    await driver.until(polite, ({ phase }) => phase === 'Running');
    await expect.poll(() => driver.logs(polite)).toBe('up\n');
    driver.delete(polite, 10);
    await driver.gone(polite, 5_000);
    const deaf = driver.create(sh('deaf', "trap '' TERM; while true; do sleep 1; done"));
    await driver.until(deaf, ({ phase }) => phase === 'Running');
    driver.delete(deaf, 1);
    await driver.gone(deaf, 5_000);
  });

  test('commands are run beside a container: probes, and exec with its code, input and variables', async () => {
    const readinessProbe = { exec: { command: ['test', '-e', '/work/ready'] }, periodSeconds: 1 };
    const pod = driver.create(sh('exec', 'exec sleep 60', { readinessProbe }));
    await driver.until(pod, ({ phase }) => phase === 'Running');
    const key = { namespace: 'default', name: 'exec' };
    const ran = async (command: readonly string[], input = '') => {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
      stdin.end(input);
      let text = '';
      for (const stream of [stdout, stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const { signal } = new AbortController();
      const streams = { stdin, stdout, stderr, onResize: () => {}, signal };
      const end = await agentOf(driver).sessions.exec(key, { container: 'main', command, tty: false }, streams);
      return { code: end.code, text };
    };
    expect(await ran(['sh', '-c', 'cat; echo $GREETING; exit 4'], 'typed\n')).toEqual({
      code: 4,
      text: 'typed\nhello\n',
    });
    expect((await ran(['touch', '/work/ready'])).code).toBe(0);
    await driver.until(pod, ({ conditions }) =>
      (conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
    );
    driver.delete(pod, 0);
    await driver.gone(pod);
  });

  test.for([
    {
      what: 'is nowhere',
      name: 'lost',
      change: () => ({ image: image.replace('v1', 'v9') }),
      want: /^ErrImagePull|^ImagePullBackOff/,
    },
    {
      what: 'may not be pulled',
      name: 'never',
      change: () => ({ image: 'example.invalid/x:1', imagePullPolicy: 'Never' as const }),
      want: /^ErrImageNeverPull/,
    },
  ])('an image that $what is told', async ({ name, change, want }) => {
    const reasonOf = (status: NonNullable<Ran['status']>): string =>
      status.containerStatuses?.[0]?.state.waiting?.reason ?? '';
    const pod = driver.create(sh(name, 'true', change()));
    const told = await driver.until(pod, (status) => want.test(reasonOf(status)));
    expect(reasonOf(told.status ?? {})).toMatch(want);
    driver.delete(pod, 0);
    await driver.gone(pod);
  });

  test('what ran in an earlier life is ended and removed before anything starts', async () => {
    const pod = driver.create(sh('left', 'exec sleep 61'));
    await driver.until(pod, ({ phase }) => phase === 'Running');
    const processes = (): number => commandLines().filter((line) => /sleep.61/s.test(line)).length;
    await expect.poll(processes).toBeGreaterThan(0);
    // A second agent over the same directory, as after kill -9: the first one knows nothing of it.
    const second = await startNodeAgent({
      kube: new FakeKube(),
      directory: driver.directory,
      runtime: 'containerd',
      containerdAddress: containerd.address,
      images: registryImages(registry, new URL(server.url).host),
      tools: { pathDirectories: [], readOnlyPaths: [] },
      log: silentLog,
    });
    expect(processes()).toBe(0);
    await second.close();
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(driver.directory);
  });
});

function agentOf({ agent }: PodDriver): NodeAgent {
  if (!agent) throw new Error('the agent does not run');
  return agent;
}

function commandLines(): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    const path = `/proc/${pid}/cmdline`;
    return /^\d+$/.test(pid) && existsSync(path) ? [readFileSync(path, 'utf8')] : [];
  });
}
