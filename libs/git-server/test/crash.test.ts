import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const run = promisify(execFile);
const token = 'crash-token-0123456789';
const noCommit = '0'.repeat(40);
const script = join(import.meta.dirname, 'crash-server.ts');

let root: string;
let kill: () => Promise<void> = async () => {};
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-crash-'));
  await mkdir(join(root, 'store'), { recursive: true });
});
afterEach(async () => {
  await kill();
  await rm(root, { recursive: true, force: true });
});

async function startServer(mode: 'away' | 'there'): Promise<string> {
  const args = ['--conditions=@sluice/source', script, root, token, mode];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  kill = async () => {
    child.kill('SIGKILL');
    await closed;
  };
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return line.toString().trim();
}

async function git(...args: readonly string[]): Promise<string> {
  const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
  const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
  return (await run('git', ['-C', join(root, 'work'), ...identity, ...args], { env })).stdout.trim();
}

async function prepare(url: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const body = JSON.stringify({ name: 'hello', webhook: { url: 'http://127.0.0.1:9/', secret: 's' } });
  await fetch(`${url}/api/v1/repos`, { method: 'POST', headers, body });
  await mkdir(join(root, 'work'), { recursive: true });
  await git('init', '-q', '-b', 'main');
  return `${url.replace('http://', `http://ada:${token}@`)}/hello.git`;
}

async function commit(text: string): Promise<string> {
  await writeFile(join(root, 'work', 'a'), text);
  await git('add', '-A');
  await git('commit', '-q', '-m', text);
  return git('rev-parse', 'HEAD');
}

type Push = { ref: string; before: string; after: string };

/** What was delivered, as a receiver sees it: one that died before it could be crossed out comes again under its id. */
async function delivered(count: number): Promise<Push[]> {
  const read = async (): Promise<Push[]> => {
    const text = await readFile(join(root, 'delivered'), 'utf8').catch(() => '');
    const sent = text.split('\n').filter(Boolean);
    const deliveries = new Map(
      sent.map((line) => {
        const { delivery, body } = JSON.parse(line) as { delivery: string; body: string };
        return [delivery, JSON.parse(body) as Push];
      }),
    );
    return [...deliveries.values()];
  };
  await vi.waitFor(async () => expect((await read()).length).toBeGreaterThanOrEqual(count), { timeout: 10_000 });
  return (await read()).map(({ ref, before, after }) => ({ ref, before, after }));
}

test('pushes that were answered are announced after kill -9, each once and in order', async () => {
  const remote = await prepare(await startServer('away'));
  const shas: string[] = [];
  for (const text of ['one', 'two', 'three']) {
    shas.push(await commit(text));
    await git('push', '-q', remote, 'main');
  }
  await kill();
  await startServer('there');
  const want = shas.map((after, index) => ({ ref: 'refs/heads/main', before: shas[index - 1] ?? noCommit, after }));
  expect(await delivered(3)).toEqual(want);
});

test('refs that moved and hooks that wrote while no server ran are announced, once', async () => {
  const remote = await prepare(await startServer('there'));
  const first = await commit('one');
  await git('push', '-q', remote, 'main');
  await delivered(1);
  const second = await commit('two');
  await git('push', '-q', remote, 'main:refs/heads/parked');
  await delivered(2);
  await kill();
  const bare = join(root, 'git', '1.git');
  await git('--git-dir', bare, 'update-ref', 'refs/heads/main', second);
  await git('--git-dir', bare, 'update-ref', 'refs/heads/quiet', first);
  await writeFile(join(bare, 'sluice-spool', 'ada~x.push'), `${first} ${second} refs/heads/main\n`);
  await startServer('there');
  const seen = (await delivered(4)).slice(2);
  expect(seen).toEqual([
    { ref: 'refs/heads/main', before: first, after: second },
    { ref: 'refs/heads/quiet', before: noCommit, after: first },
  ]);
  await kill();
  await startServer('there');
  await commit('three');
  expect(await delivered(4)).toHaveLength(4);
});

test('kill -9 in the middle of many pushes loses none that was answered', async () => {
  let remote = await prepare(await startServer('there'));
  const answered: string[] = [];
  for (let round = 0; round < 3; round++) {
    const timer = setTimeout(() => void kill(), 120 + 90 * round);
    for (let index = 0; index < 12; index++) {
      const sha = await commit(`${round}-${index}`);
      try {
        await git('push', '-q', remote, 'main');
        answered.push(sha);
      } catch {
        break;
      }
    }
    clearTimeout(timer);
    await kill();
    remote = `${(await startServer('there')).replace('http://', `http://ada:${token}@`)}/hello.git`;
  }
  await git('push', '-q', remote, 'main');
  const last = await git('rev-parse', 'HEAD');
  await vi.waitFor(async () => expect((await delivered(1)).at(-1)?.after).toBe(last), { timeout: 10_000 });
  const seen = await delivered(1);
  const reached = new Set(seen.map(({ after }) => after));
  expect(answered.filter((sha) => !reached.has(sha))).toEqual([]);
  expect(seen.map(({ before }) => before)).toEqual([noCommit, ...seen.slice(0, -1).map(({ after }) => after)]);
});
