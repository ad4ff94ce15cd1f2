import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keys, type OutputCapture, resources } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findCgroups } from '../src/container/cgroups.ts';
import { detectSandbox } from '../src/container/sandbox.ts';
import type { Pod } from '../src/pod/pod-spec.ts';
import { makePod, PodDriver } from '../src/testing.ts';

const support = await detectSandbox();
const limits = await findCgroups('sluice-test');
const capture = (value: Omit<OutputCapture, 'container'>) => ({
  [keys.outputs]: JSON.stringify({ container: 'main', ...value }),
});
const stateOf = (pod: Pod, index = 0) => pod.status?.containerStatuses?.[index]?.state;
const endOf = (pod: Pod, index = 0) => stateOf(pod, index)?.terminated;
const outputsOf = (pod: Pod): unknown => JSON.parse(endOf(pod)?.message ?? 'null');
const isRunning = ({ phase }: { readonly phase?: string }) => phase === 'Running';

for (const runtime of ['sandbox', 'process'] as const) {
  const title = runtime === 'sandbox' && !support.available ? `sandbox (skipped: ${support.reason})` : runtime;
  describe.skipIf(runtime === 'sandbox' && !support.available)(`pods in the runtime ${title}`, () => {
    const kube = new FakeKube();
    const backoff = { baseMs: 100, maxMs: 1_000, resetMs: 600_000 };
    const driver = new PodDriver(kube, { runtime, backoff });
    beforeAll(async () => {
      await driver.start();
    });
    afterAll(() => driver.dispose());

    test('a short step ends with one status write and its exit code', async () => {
      const before = kube.count('patch', resources.pods);
      const pod = await driver.run(makePod('short').sh('exit 3'));
      expect(pod.status).toMatchObject({
        phase: 'Failed',
        podIP: expect.stringMatching(/^127\.64\./),
        qosClass: 'BestEffort',
      });
      expect(endOf(pod)).toMatchObject({ exitCode: 3, reason: 'Error' });
      expect(kube.count('patch', resources.pods) - before).toBeLessThanOrEqual(2);
    });

    test('a longer step costs two status writes and shows its address while it runs', async () => {
      const before = kube.count('patch', resources.pods);
      const created = driver.create(makePod('longer').sh('sleep 0.4'));
      const running = await driver.until(created, isRunning);
      expect(running.status?.podIP).toMatch(/^127\.64\./);
      expect(stateOf(running)?.running?.startedAt).toBeDefined();
      await driver.until(created, ({ phase }) => phase === 'Succeeded');
      expect(kube.count('patch', resources.pods) - before).toBe(2);
    });

    test('stdout and stderr come in the order in which they were written, also through /dev/stdout', async () => {
      const script = 'for i in 1 2 3; do echo out$i; echo err$i >&2; done; echo dev > /dev/stdout; printf end';
      const pod = await driver.run(makePod('order').sh(script));
      expect(await driver.logs(pod)).toBe('out1\nerr1\nout2\nerr2\nout3\nerr3\ndev\nend');
    });

    test('the result is standard output alone, without its last newline', async () => {
      const pod = await driver.run(
        makePod('result')
          .sh('echo no >&2; echo a; echo b')
          .annotations(capture({ result: true })),
      );
      expect(outputsOf(pod)).toEqual({ result: 'a\nb' });
      expect(await driver.logs(pod)).toContain('no\n');
    });

    test('output files are read from /tmp, the root, mounts and relative paths; a default stands in', async () => {
      const parameters = [
        { name: 'tmp', path: '/tmp/out/a' },
        { name: 'root', path: '/result.txt' },
        { name: 'mount', path: '/work/b' },
        { name: 'relative', path: 'c' },
        { name: 'default', path: '/tmp/none', default: 'd' },
      ];
      const script =
        'mkdir -p /tmp/out; echo 1 > /tmp/out/a; echo 2 > /result.txt; printf "3\\n\\n" > /work/b; printf 4 > c';
      const mounts = { volumeMounts: [{ name: 'w', mountPath: '/work' }], workingDir: '/work/deep' };
      const pod = await driver.run(
        makePod('files').sh(script, mounts).volume({ name: 'w', emptyDir: {} }).annotations(capture({ parameters })),
      );
      expect(outputsOf(pod)).toEqual({
        parameters: { tmp: '1', root: '2', mount: '3\n', relative: '4', default: 'd' },
      });
    });

    test('a missing output file is an error in the outputs; the phase stays what the exit code says', async () => {
      const parameters = [{ name: 'x', path: '/tmp/none' }];
      const pod = await driver.run(makePod('missing').sh('true').annotations(capture({ parameters })));
      expect(pod.status?.phase).toBe('Succeeded');
      expect(outputsOf(pod)).toMatchObject({
        error: expect.stringContaining('output parameter "x": /tmp/none: the file does not exist'),
      });
    });

    test('a process that is killed by a signal ends with 128 + its number', async () => {
      const pod = await driver.run(makePod('signal').sh('kill -9 $$$$'));
      expect(endOf(pod)).toMatchObject({ exitCode: 137, signal: 9, reason: 'Error' });
    });

    test('a command that is not there is ContainerCannotRun with the reason', async () => {
      const pod = await driver.run(makePod('nosuch').sh('', { command: ['no-such-command'] }));
      expect(endOf(pod)).toMatchObject({ exitCode: 127, reason: 'ContainerCannotRun' });
      expect(endOf(pod)?.message).toMatch(/no-such-command.*No such file|no such file/i);
    });

    test('a container without a command of a foreign image says what to do', async () => {
      const base = makePod('nocommand').sh('');
      const { command: _, ...bare } = base.build().spec?.containers[0] ?? { name: 'main' };
      const pod = driver.create(base.spec({ containers: [{ ...bare, name: 'main' }] }));
      const waiting = await driver.until(
        pod,
        (status) => status.containerStatuses?.[0]?.state.waiting?.reason === 'CreateContainerError',
      );
      expect(stateOf(waiting)?.waiting?.message).toMatch(/give the container a command/);
      driver.delete(waiting, 0);
      await driver.gone(pod);
    });

    test('init containers run in order before the main container and share volumes', async () => {
      const mount = { volumeMounts: [{ name: 'v', mountPath: '/v' }] };
      const builder = makePod('init').init('echo 1 >> /v/f', mount).init('echo 2 >> /v/f', mount).sh('cat /v/f', mount);
      const pod = await driver.run(builder.volume({ name: 'v', emptyDir: {} }));
      expect(pod.status?.phase).toBe('Succeeded');
      expect(await driver.logs(pod, { container: 'main' })).toBe('1\n2\n');
    });

    test('a native sidecar runs beside main and is stopped after it', async () => {
      const sidecar = { name: 'side', restartPolicy: 'Always', volumeMounts: [{ name: 'v', mountPath: '/v' }] };
      const main = { volumeMounts: [{ name: 'v', mountPath: '/v' }] };
      const wait = 'for i in $(seq 100); do test -e /v/up && exit 0; sleep 0.05; done; exit 1';
      const builder = makePod('side').init('touch /v/up; sleep 60', sidecar).sh(wait, main);
      const pod = await driver.run(builder.volume({ name: 'v', emptyDir: {} }));
      expect(pod.status?.phase).toBe('Succeeded');
      expect(pod.status?.initContainerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 143 });
    });

    test('a failing container is restarted with a growing back-off, and its last log is kept', async () => {
      const pod = driver.create(makePod('crash').sh('echo run; exit 1').spec({ restartPolicy: 'Always' }));
      const crashed = await driver.until(pod, (status) => (status.containerStatuses?.[0]?.restartCount ?? 0) >= 2);
      expect(crashed.status?.phase).toBe('Running');
      const waiting = await driver.until(
        pod,
        (status) => status.containerStatuses?.[0]?.state.waiting?.reason === 'CrashLoopBackOff',
      );
      expect(waiting.status?.containerStatuses?.[0]?.lastState.terminated).toMatchObject({ exitCode: 1 });
      expect(await driver.logs(pod, { previous: true })).toBe('run\n');
      driver.delete(waiting, 0);
      await driver.gone(pod);
    });

    test('variables, the downward API, ConfigMaps and Secrets reach the container', async () => {
      const metadata = (name: string) => ({ name, namespace: 'default' });
      kube.put(resources.configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: metadata('c'),
        data: { 'a.txt': 'A', b: 'B' },
      } as never);
      kube.put(resources.secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: metadata('s'),
        data: { k: btoa('geheim') },
      } as never);
      const script =
        'echo $NAME $IP $B; cat /etc/c/a.txt /etc/c/sub/b /etc/s/k; test -w /etc/s/k && echo writable; echo "$0"';
      const container = {
        command: ['sh', '-c', script, '$(NAME)'],
        env: [
          { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'B', valueFrom: { configMapKeyRef: { name: 'c', key: 'b' } } },
        ],
        volumeMounts: [
          { name: 'c', mountPath: '/etc/c' },
          { name: 's', mountPath: '/etc/s' },
        ],
      };
      const items = [
        { key: 'a.txt', path: 'a.txt' },
        { key: 'b', path: 'sub/b' },
      ];
      const pod = await driver.run(
        makePod('env')
          .sh('', container)
          .volume({ name: 'c', configMap: { name: 'c', items } })
          .volume({ name: 's', secret: { secretName: 's' } }),
      );
      expect(await driver.logs(pod)).toMatch(/^env 127\.64\.\d+\.\d+ B\nABgeheim(writable\n)?env\n$/);
    });

    test('a running container sees the new content of a ConfigMap, a Secret and its labels', async () => {
      const object = (kind: string, value: string, more: object) =>
        ({
          apiVersion: 'v1',
          kind,
          metadata: { name: 'live', namespace: 'default' },
          ...more,
          data: { k: value },
        }) as never;
      kube.put(resources.configMaps, object('ConfigMap', 'old', {}));
      kube.put(resources.secrets, object('Secret', btoa('old'), {}));
      const items = [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }];
      const mounts = ['c', 's', 'd'].map((name) => ({ name, mountPath: `/live/${name}` }));
      const script =
        'until grep -q new /live/c/k && grep -q new /live/s/k && grep -q new /live/d/l; do sleep 0.02; done; echo seen';
      const pod = driver.create(
        makePod('live')
          .sh(script, { volumeMounts: mounts })
          .volume({ name: 'c', configMap: { name: 'live' } })
          .volume({ name: 's', secret: { secretName: 'live' } })
          .volume({ name: 'd', downwardAPI: { items } }),
      );
      const running = await driver.until(pod, isRunning);
      kube.put(resources.configMaps, object('ConfigMap', 'new', {}));
      kube.put(resources.secrets, object('Secret', btoa('new'), {}));
      kube.put(resources.pods, { ...running, metadata: { ...running.metadata, labels: { is: 'new' } } });
      await driver.until(pod, ({ phase }) => phase === 'Succeeded');
      expect(await driver.logs(pod)).toBe('seen\n');
    });

    test.skipIf(!limits.cgroups)(`limits are kept (${limits.reason})`, async () => {
      const resources = { limits: { memory: '48Mi', cpu: '100m' } };
      const greedy = await driver.run(makePod('greedy').sh('x=x; while true; do x=$x$x; done', { resources }));
      expect(endOf(greedy)).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
      const modest = await driver.run(makePod('modest').sh('cat /proc/self/cgroup; exit 1', { resources }));
      expect(endOf(modest)).toMatchObject({ exitCode: 1, reason: 'Error' });
      expect(await driver.logs(modest)).toMatch(/sluice-[0-9a-f]{12}\/uid-mode-main-/);
    });

    test('a claim is waited for and keeps its files from pod to pod', async () => {
      const claim = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data', namespace: 'default', uid: 'claim-1' },
        spec: {},
      };
      const container = { volumeMounts: [{ name: 'd', mountPath: '/data', subPath: 'x' }] };
      const volume = { name: 'd', persistentVolumeClaim: { claimName: 'data' } };
      const writer = driver.create(makePod('writer').sh('echo kept > /data/f', container).volume(volume));
      kube.put(resources.persistentVolumeClaims, { ...claim, status: { phase: 'Pending' } } as never);
      kube.put(resources.persistentVolumeClaims, { ...claim, status: { phase: 'Bound' } } as never);
      await driver.until(writer, ({ phase }) => phase === 'Succeeded');
      const reader = await driver.run(makePod('reader').sh('cat /data/f', container).volume(volume));
      expect(await driver.logs(reader)).toBe('kept\n');
      expect(readFileSync(join(driver.directory, 'volumes/claim-1/x/f'), 'utf8')).toBe('kept\n');
    });

    test('hostPath is refused with what to use instead', async () => {
      const pod = driver.create(
        makePod('host')
          .sh('true')
          .volume({ name: 'h', hostPath: { path: '/etc' } }),
      );
      const waiting = await driver.until(pod, (status) =>
        Boolean(status.containerStatuses?.[0]?.state.waiting?.message),
      );
      expect(stateOf(waiting)?.waiting?.message).toMatch(/hostPath is not allowed.*persistentVolumeClaim/);
      driver.delete(waiting, 0);
      await driver.gone(pod);
    });

    test('a deleted pod gets SIGTERM, ends by itself and is removed with its directory', async () => {
      const script = 'trap "echo got; exit 0" TERM; echo up; while :; do sleep 0.05; done';
      const pod = driver.create(makePod('term').sh(script));
      await driver.until(pod, isRunning);
      const log = driver.logs(pod, { follow: true });
      await new Promise((resolve) => setTimeout(resolve, 150));
      const begun = performance.now();
      driver.delete(pod);
      await driver.gone(pod);
      expect(performance.now() - begun).toBeLessThan(10_000);
      expect(await log).toMatch(/^up\n(Terminated\n)?got\n$/);
      await expect.poll(() => existsSync(join(driver.directory, 'pods', pod.metadata.uid ?? ''))).toBe(false);
    });

    test('a pod that ignores SIGTERM is killed after its grace, with everything that it started', async () => {
      const mark = `9${Date.now() % 100_000}.5`;
      const script = `trap "" TERM; (setsid sleep ${mark} &) ; sleep ${mark} & while :; do sleep 1; done`;
      const pod = driver.create(makePod('stubborn').sh(script));
      await driver.until(pod, isRunning);
      await expect.poll(() => commandLines(`sleep\0${mark}`)).toBeGreaterThan(1);
      driver.delete(pod, 1);
      await driver.gone(pod);
      await expect.poll(() => commandLines(`sleep\0${mark}`)).toBe(0);
    });

    test('a pod whose object vanishes is ended at once', async () => {
      const mark = `8${Date.now() % 100_000}.5`;
      const pod = driver.create(makePod('vanish').sh(`sleep ${mark}`));
      await driver.until(pod, isRunning);
      await kube.delete(resources.pods, { namespace: 'default', name: 'vanish' });
      await expect.poll(() => commandLines(`sleep\0${mark}`)).toBe(0);
    });

    test('a pod past its active deadline fails with DeadlineExceeded', async () => {
      const pod = await driver.run(makePod('deadline').sh('sleep 30').spec({ activeDeadlineSeconds: 1 }));
      expect(pod.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    });

    test('a readiness probe makes the pod ready, a liveness probe restarts it', async () => {
      const probe = { exec: { command: ['test', '-e', '/v/ready'] }, periodSeconds: 1 };
      const live = { exec: { command: ['test', '!', '-e', '/v/dead'] }, periodSeconds: 1, failureThreshold: 1 };
      const container = { readinessProbe: probe, livenessProbe: live, volumeMounts: [{ name: 'v', mountPath: '/v' }] };
      const script = 'rm -f /v/dead; sleep 0.5; touch /v/ready; sleep 2; touch /v/dead; exec sleep 60';
      const pod = driver.create(
        makePod('probes')
          .sh(script, container)
          .volume({ name: 'v', emptyDir: {} })
          .spec({ restartPolicy: 'Always', terminationGracePeriodSeconds: 1 }),
      );
      const unready = await driver.until(pod, isRunning);
      expect(unready.status?.containerStatuses?.[0]?.ready).toBe(false);
      await driver.until(pod, ({ conditions }) => conditions?.find(({ type }) => type === 'Ready')?.status === 'True');
      await driver.until(pod, (status) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 0);
      driver.delete(pod, 0);
      await driver.gone(pod);
    });

    test('an image of the registry runs from its layers with its own command, unpacked once', async () => {
      const config = { entrypoint: ['sh', 'main.sh'], cmd: ['hello'], env: ['WHO=image'], workingDir: '/app' };
      await driver.images.add('registry/app:1', config, [
        [
          { name: 'app/', type: 'directory', mode: 0o755 },
          { name: 'app/old', text: 'x' },
          { name: 'app/main.sh', text: 'echo $1 $WHO; ls .' },
        ],
        [{ name: 'app/.wh.old' }, { name: 'app/data.txt', text: 'd' }],
      ]);
      const base = makePod('image').sh('', { image: 'registry/app:1' });
      const { command: _, ...bare } = base.build().spec?.containers[0] ?? { name: 'main' };
      const builder = base.spec({ containers: [bare] });
      const opened = driver.images.opened;
      const pod = await driver.run(builder);
      expect(await driver.logs(pod)).toBe('hello image\ndata.txt\nmain.sh\n');
      expect(driver.images.opened - opened).toBe(2);
      const again = makePod('image2').spec({ containers: [bare] });
      expect((await driver.run(again)).status?.phase).toBe('Succeeded');
      expect(driver.images.opened - opened).toBe(2);
    });

    test('a missing image is ErrImagePull with its reference, then runs once it is there', async () => {
      const pod = driver.create(makePod('noimage').sh('true', { image: 'registry/none:1' }));
      const waiting = await driver.until(
        pod,
        (status) => status.containerStatuses?.[0]?.state.waiting?.reason === 'ErrImagePull',
      );
      expect(stateOf(waiting)?.waiting?.message).toContain('registry/none:1');
      await driver.images.add('registry/none:1', {}, [[{ name: 'x', text: 'y' }]]);
      await driver.until(pod, ({ phase }) => phase === 'Succeeded');
    });

    test('logs of an unknown container, a waiting one and an unknown pod are refused as Kubernetes does', async () => {
      const pod = driver.create(makePod('twolog').sh('sleep 5').sh('sleep 5', { image: 'registry/gone:1' }));
      await driver.until(pod, isRunning);
      await expect(driver.logs(pod)).rejects.toMatchObject({
        code: 400,
        message: 'a container name must be specified for pod twolog, choose one of: [main c1]',
      });
      await expect(driver.logs(pod, { container: 'x' })).rejects.toMatchObject({
        code: 400,
        reason: 'BadRequest',
        message: 'container x is not valid for pod twolog',
      });
      await expect(driver.logs(pod, { container: 'c1' })).rejects.toMatchObject({
        message: expect.stringMatching(/is waiting to start: (ErrImagePull|ImagePullBackOff)/),
      });
      await expect(driver.logs(makePod('never').sh('').build())).rejects.toMatchObject({ code: 404 });
      driver.delete(pod, 0);
      await driver.gone(pod);
    });

    test('a finished pod keeps its log and gives back its disk space', async () => {
      const pod = await driver.run(makePod('kept').sh('echo kept; head -c 100000 /dev/zero > /tmp/big'));
      await expect
        .poll(() => readdirSync(join(driver.directory, 'pods', pod.metadata.uid ?? '')).sort())
        .toEqual(['logs', 'main.message', 'state.json']);
      expect(await driver.logs(pod)).toBe('kept\n');
    });

    test('the node says what runs on it', () => {
      const node = kube.object<Pod>(
        { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false },
        { name: 'local' },
      );
      expect(node.metadata.labels).toMatchObject({
        'sluice.dev/runtime': runtime,
        'sluice.dev/native-outputs': 'true',
      });
    });
  });
}

function commandLines(text: string): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(text);
    } catch {
      return false;
    }
  }).length;
}
