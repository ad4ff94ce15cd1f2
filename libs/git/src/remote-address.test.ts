import { expect, test } from 'vitest';
import { checkRemote } from './remote-address.ts';

const names: Record<string, string[]> = {
  'git.example.com': ['203.0.113.9'],
  'inside.example.com': ['203.0.113.9', '10.0.0.7'],
  localhost: ['127.0.0.1'],
};
const check = (url: string, privateHosts: string[] = []): Promise<unknown> =>
  checkRemote(url, { protocols: ['https', 'http'], privateHosts }, async (host) => names[host] ?? []).catch(
    (error: unknown) =>
      `${(error as { reason?: string }).reason ?? (error as Error).name}: ${(error as Error).message}`,
  );

test('a public host is pinned to the address that was checked', async () => {
  expect(await check('https://git.example.com/a/b.git')).toEqual({
    url: 'https://git.example.com/a/b.git',
    pin: 'git.example.com:443:203.0.113.9',
  });
});

test.for([
  { url: 'http://169.254.169.254/latest', why: 'private address 169.254.169.254' },
  { url: 'http://localhost:6379/', why: 'private address 127.0.0.1' },
  { url: 'http://[::1]/x', why: 'private address ::1' },
  { url: 'http://[::ffff:127.0.0.1]/x', why: 'private address' },
  { url: 'http://2130706433/x', why: 'private address 127.0.0.1' },
  { url: 'http://0x7f.1/x', why: 'private address 127.0.0.1' },
  { url: 'https://inside.example.com/x', why: 'private address 10.0.0.7' },
  { url: 'file:///etc/passwd', why: 'scheme file' },
  { url: 'https://user:pass@git.example.com/x', why: 'credentials' },
  { url: 'https://git.example.com/x\n', why: 'is not a URL' },
])('$url is refused: $why', async ({ url, why }) => {
  const answer = await check(url);
  expect(answer).toContain('RemoteRefused');
  expect(answer).toContain(why);
});

test('a private host is reached where the configuration names it', async () => {
  expect(await check('http://127.0.0.1:7080/a.git', ['127.0.0.1'])).toEqual({ url: 'http://127.0.0.1:7080/a.git' });
  expect(await check('https://inside.example.com/x', ['127.0.0.1'])).toContain('RemoteRefused');
});

test('a name without an address may have one later', async () => {
  expect(await check('https://nowhere.example.com/x')).toContain('TransientError');
});
