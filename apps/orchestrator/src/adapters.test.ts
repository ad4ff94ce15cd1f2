import { Secret } from '@sluice/runtime';
import { expect, test } from 'vitest';
import { makeTestApp, startGithubStandIn } from '@sluice/forge/testing';
import { createForges, gitCredentials } from './adapters.ts';
import { makeRepository } from './testing.ts';

const local = {
  type: 'local',
  apiUrl: 'http://127.0.0.1:7080',
  repository: 'hello',
  secretRef: { name: 'forge' },
} as const;
const github = {
  type: 'github',
  apiUrl: 'https://api.github.com',
  repository: 'octo/hello',
  secretRef: { name: 'forge' },
} as const;

test.for([
  ['the local forge without a token', local, 'Secret "forge" of Repository hello gives no token; reports need it'],
  [
    'GitHub without token and App',
    github,
    'Secret "forge" of Repository hello gives no token (or appId and privateKey of a GitHub App); reports need it',
  ],
] as const)('%s is refused by name', ([, forge, message]) => {
  expect(() => createForges(Date.now)(makeRepository({ forge }), {})).toThrow(
    expect.objectContaining({ reason: 'SecretIncomplete', message }) as Error,
  );
});

test('either credential of GitHub will do', () => {
  const token = new Secret('t');
  expect(createForges(Date.now)(makeRepository({ forge: github }), { token })).toHaveProperty('upsertCheck');
  expect(
    createForges(Date.now)(makeRepository({ forge: github }), { app: { appId: 1, privateKey: token } }),
  ).toHaveProperty('upsertCheck');
});

test('git signs in with an installation token of the App where there is no other', async () => {
  const app = makeTestApp();
  const standIn = await startGithubStandIn({ app });
  try {
    standIn.addRepository({ fullName: 'octo/hello' });
    const spec = { forge: { ...github, apiUrl: standIn.url }, url: `${standIn.url}/octo/hello.git` };
    const credentials = gitCredentials(makeRepository(spec), {
      app: { appId: app.appId, privateKey: new Secret(app.privateKey) },
    });
    if (typeof credentials !== 'function') throw new Error('the token of an App is asked for when it is needed');
    const { username, password } = await credentials();
    expect([username, standIn.state.tokens.has(password.reveal())]).toEqual(['x-access-token', true]);
    expect(standIn.violations).toEqual([]);
  } finally {
    await standIn.close();
  }
});

test.for([
  { name: 'another host', forge: github, url: 'https://evil.example/octo/hello.git', want: false },
  { name: 'a host that only ends like the forge', forge: github, url: 'https://notgithub.com/x.git', want: false },
  { name: 'the host of the forge', forge: github, url: 'https://github.com/octo/hello.git', want: true },
  { name: 'the local forge', forge: local, url: 'http://127.0.0.1:7080/hello.git', want: false },
])('credentials of the forge go to $name: $want', ({ forge, url, want }) => {
  const found = gitCredentials(makeRepository({ forge, url }), { token: new Secret('t') });
  expect(found !== undefined).toBe(want);
});
