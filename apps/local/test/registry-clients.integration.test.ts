import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testHelmBinary, writeChart } from '@sluice/helm/testing';
import { createRegistry, type Registry } from '@sluice/registry';
import { type HttpHandler, type HttpServer, serveHttp, silentLog } from '@sluice/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// What people push and pull with, unchanged, against the embedded registry.
const directory = mkdtempSync(join(tmpdir(), 'registry-clients-'));
let registry: Registry;
let server: HttpServer;
let host = '';
let chunks = 0;
beforeAll(async () => {
  registry = await createRegistry({ directory: join(directory, 'registry'), log: silentLog });
  const handle: HttpHandler = (request) => {
    if (request.method === 'PATCH') chunks++;
    return registry.handle(request);
  };
  server = await serveHttp(handle, { host: '127.0.0.1', port: 0, onError: () => {} });
  host = new URL(server.url).host;
  mkdirSync(join(directory, 'context'));
  writeFileSync(join(directory, 'context', 'hello.txt'), 'hello from an image\n');
  writeFileSync(join(directory, 'context', 'Containerfile'), 'FROM scratch\nCOPY hello.txt /\nCMD ["/hello"]\n');
  // No machine's own settings: every image is accepted, nothing is kept outside this directory.
  mkdirSync(join(directory, '.config', 'containers'), { recursive: true });
  const policy = { default: [{ type: 'insecureAcceptAnything' }] };
  writeFileSync(join(directory, '.config', 'containers', 'policy.json'), JSON.stringify(policy));
});
afterAll(async () => {
  await server.close();
  await registry.close();
  rmSync(directory, { recursive: true, force: true });
});

type Ran = { readonly code: number; readonly text: string };

function run(file: string, args: readonly string[]): Promise<Ran> {
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const { PATH = '/usr/bin:/bin' } = process.env;
  const env = { PATH, HOME: directory, TMPDIR: directory, XDG_RUNTIME_DIR: directory };
  execFile(file, [...args], { cwd: directory, env, timeout: 25_000 }, (error, stdout, stderr) => {
    resolve({ code: error ? (typeof error.code === 'number' ? error.code : -1) : 0, text: stdout + stderr });
  });
  return promise;
}

const storage = () => {
  const at = (name: string): string => join(directory, 'storage', name);
  return ['--storage-driver', 'vfs', '--root', at('root'), '--runroot', at('run')];
};
const buildah = (...args: string[]): Promise<Ran> => run('buildah', [...storage(), ...args]);
const skopeo = (...args: string[]): Promise<Ran> => run('skopeo', args);
const good = async (ran: Promise<Ran>): Promise<string> => {
  const { code, text } = await ran;
  expect([code, text]).toEqual([0, text]);
  return text;
};

const helm = await testHelmBinary();
const hasSkopeo = existsSync('/usr/bin/skopeo');
const buildahProblem = existsSync('/usr/bin/buildah') ? await whyNoBuildah() : 'not installed';

/** It may be installed and yet not be allowed to work, as in a container without user namespaces. */
async function whyNoBuildah(): Promise<string> {
  const { code, text } = await buildah('from', 'scratch');
  return code === 0 ? '' : text.trim().slice(0, 200);
}

describe.skipIf(!helm)('helm', () => {
  test('pushes a chart and pulls the same bytes by version and by digest', async () => {
    const chart = join(directory, 'chart');
    await writeChart(chart, { 'Chart.yaml': 'apiVersion: v2\nname: demo\nversion: 1.2.3\n', 'values.yaml': 'a: 1\n' });
    await good(run(helm ?? '', ['package', chart, '-d', directory]));
    const pushed = await good(run(helm ?? '', ['push', 'demo-1.2.3.tgz', `oci://${host}/charts`, '--plain-http']));
    const digest = /sha256:[0-9a-f]{64}/.exec(pushed)?.[0] ?? '';
    const packed = readFileSync(join(directory, 'demo-1.2.3.tgz'));
    for (const reference of [`oci://${host}/charts/demo --version 1.2.3`, `oci://${host}/charts/demo@${digest}`]) {
      const out = mkdtempSync(join(directory, 'pulled-'));
      await good(run(helm ?? '', ['pull', ...reference.split(' '), '-d', out, '--plain-http']));
      expect(readdirSync(out).map((name) => readFileSync(join(out, name)))).toEqual([packed]);
    }
  });
});

describe.skipIf(buildahProblem !== '')(`buildah${buildahProblem && ` (skipped: ${buildahProblem})`}`, () => {
  test('builds an image, pushes it and pulls it back', async () => {
    await good(buildah('bud', '-q', '-t', 'localhost/hello', 'context'));
    const reference = `docker://${host}/apps/hello:v1`;
    await good(buildah('push', '--tls-verify=false', 'localhost/hello', reference));
    await good(buildah('rmi', '-a', '-f'));
    await good(buildah('pull', '--tls-verify=false', reference));
    const container = (await good(buildah('from', `${host}/apps/hello:v1`))).trim();
    const mounted = (await good(buildah('mount', container))).trim();
    expect(readFileSync(join(mounted, 'hello.txt'), 'utf8')).toBe('hello from an image\n');
    await good(buildah('rm', container));
  });

  test('pushes the docker format and the same layers again without sending them', async () => {
    await good(buildah('bud', '-q', '--format', 'docker', '-t', 'localhost/docker', 'context'));
    await good(buildah('push', '--tls-verify=false', 'localhost/docker', `docker://${host}/apps/docker:v1`));
    const before = chunks;
    await good(buildah('push', '--tls-verify=false', 'localhost/docker', `docker://${host}/apps/docker:v2`));
    expect(chunks).toBe(before);
    const stored = await registry.localManifest('apps/docker', 'v2');
    expect(stored?.mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');
  });
});

const needs = !hasSkopeo ? 'not installed' : buildahProblem && `needs buildah: ${buildahProblem}`;
describe.skipIf(needs !== '')(`skopeo${needs && ` (skipped: ${needs})`}`, () => {
  const copy = (from: string, to: string, ...more: string[]): Promise<string> =>
    good(skopeo('copy', '--src-tls-verify=false', '--dest-tls-verify=false', ...more, from, to));

  test('copies to and from a directory, between repositories, lists tags and deletes', async () => {
    await good(buildah('bud', '-q', '-t', 'localhost/copy', 'context'));
    await good(buildah('push', 'localhost/copy', `oci:${join(directory, 'layout')}:v1`));
    const at = (name: string): string => `docker://${host}/${name}`;
    await copy(`oci:${join(directory, 'layout')}:v1`, at('copy/a:v1'));
    await copy(at('copy/a:v1'), at('copy/b:v1'));
    await copy(at('copy/a:v1'), at('copy/a:v2'));
    await copy(at('copy/b:v1'), `dir:${join(directory, 'copied')}`);
    expect(readdirSync(join(directory, 'copied'))).toContain('manifest.json');
    const inspected = JSON.parse(await good(skopeo('inspect', '--tls-verify=false', at('copy/a:v1')))) as {
      Digest: string;
      RepoTags: string[];
    };
    expect(inspected.RepoTags).toEqual(['v1', 'v2']);
    await copy(at(`copy/a@${inspected.Digest}`), `oci:${join(directory, 'by-digest')}:x`);
    await good(skopeo('delete', '--tls-verify=false', at('copy/a:v1')));
    expect((await skopeo('inspect', '--tls-verify=false', at('copy/a:v2'))).code).not.toBe(0);
    await good(skopeo('inspect', '--tls-verify=false', at('copy/b:v1')));
  });
});
