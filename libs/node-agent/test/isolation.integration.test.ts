import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keys } from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detectSandbox } from '../src/container/sandbox.ts';
import { makePod, PodDriver } from '../src/testing.ts';

const support = await detectSandbox();
const why = support.available ? '' : ` (skipped: ${support.reason})`;

describe.skipIf(!support.available)(`what the sandbox promises${why}`, () => {
  const driver = new PodDriver(new FakeKube(), { runtime: 'sandbox' });
  beforeAll(async () => {
    await driver.start();
  });
  afterAll(() => driver.dispose());
  const outputOf = async (script: string, name = 'probe'): Promise<string> => {
    const pod = await driver.run(makePod(name).sh(`{ ${script}; } 2>&1`));
    return driver.logs(pod);
  };

  test('a step cannot write to the tools of the host', async () => {
    const mark = `sluice-test-${Date.now()}`;
    expect(
      await outputOf(`touch /usr/${mark} || echo refused; mount -o remount,rw /usr || echo refused`, 'ro'),
    ).toMatch(/refused[\s\S]*refused/);
    expect(existsSync(`/usr/${mark}`)).toBe(false);
  });

  test('its root and /tmp are its own', async () => {
    const mark = `sluice-test-${Date.now()}`;
    await outputOf(`echo x > /tmp/${mark}; echo x > /${mark}; echo x > /etc/${mark}; ls /tmp`, 'own');
    for (const place of [tmpdir(), '/', '/etc']) expect(existsSync(join(place, mark))).toBe(false);
    expect(await outputOf(`ls /tmp /root`, 'own2')).not.toContain(mark);
  });

  test('it sees neither the data directory nor homes, nor secrets of the host', async () => {
    writeFileSync(join(driver.directory, 'kubeconfig'), 'geheim');
    mkdirSync(join(driver.directory, 'store'), { recursive: true });
    const output = await outputOf(
      `cat ${driver.directory}/kubeconfig; ls ${driver.directory} /home; cat /etc/shadow`,
      'see',
    );
    expect(output).not.toContain('geheim');
    expect(output).toMatch(/kubeconfig: No such file/);
    expect(output).toMatch(/shadow: No such file/);
  });

  test('it sees no process of another pod and cannot signal one', async () => {
    const other = driver.create(makePod('other').sh('exec sleep 60'));
    await driver.until(other, ({ phase }) => phase === 'Running');
    const output = await outputOf('cat /proc/[0-9]*/cmdline | tr "\\0" " "; kill -9 -1; echo alive', 'ps');
    expect(output).not.toContain('sleep 60');
    const still = await driver.until(other, () => true);
    expect(still.status?.phase).toBe('Running');
    driver.delete(other, 0);
    await driver.gone(other);
  });

  test('it has no capabilities and its own host name', async () => {
    const output = await outputOf('grep -E "^Cap(Eff|Bnd)" /proc/self/status; uname -n', 'caps');
    expect(output).toBe('CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\ncaps\n');
  });

  test('an output file that is a link to the host is read inside the sandbox', async () => {
    const parameters = [{ name: 'x', path: '/tmp/x' }];
    const annotations = { [keys.outputs]: JSON.stringify({ container: 'main', parameters }) };
    const script = 'ln -s /etc/shadow /tmp/x';
    const pod = await driver.run(makePod('link').sh(script).annotations(annotations));
    const message = pod.status?.containerStatuses?.[0]?.state.terminated?.message ?? '';
    expect(JSON.parse(message)).toMatchObject({ parameters: {}, error: expect.stringContaining('does not exist') });
  });

  test('runAsUser is the user inside', async () => {
    const pod = await driver.run(
      makePod('user').sh('id -u; id -g', { securityContext: { runAsUser: 1000, runAsGroup: 2000 } }),
    );
    expect(await driver.logs(pod)).toBe('1000\n2000\n');
  });

  test('a volume can be mounted below a read-only directory of the host', async () => {
    const mounts = { volumeMounts: [{ name: 'v', mountPath: '/usr/share/nginx/html' }] };
    const script =
      'echo x > /usr/share/nginx/html/index.html; ls /usr/share/nginx/html; ls /usr/bin/env; touch /usr/share/x || echo refused';
    const pod = await driver.run(makePod('deep').sh(`{ ${script}; } 2>&1`, mounts).volume({ name: 'v', emptyDir: {} }));
    expect(await driver.logs(pod)).toMatch(/^index\.html\n\/usr\/bin\/env\n/);
    expect(existsSync('/usr/share/nginx/html/index.html')).toBe(false);
  });
});
