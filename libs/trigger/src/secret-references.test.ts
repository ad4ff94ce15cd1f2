import { expect, test } from 'vitest';
import { grantSecrets } from './grant-secrets.ts';
import { referencedSecrets } from './secret-references.ts';

test('every way in which a Workflow can name a Secret is found', () => {
  const spec = {
    imagePullSecrets: [{ name: 'pull' }],
    volumes: [
      { name: 'v', secret: { secretName: 'volume' } },
      { name: 'p', projected: { sources: [{ secret: { name: 'projected' } }] } },
    ],
    templates: [
      {
        name: 'main',
        container: {
          env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'variable', key: 'a' } } }],
          envFrom: [{ secretRef: { name: 'all' } }],
        },
        inputs: { artifacts: [{ name: 'in', s3: { accessKeySecret: { name: 'bucket', key: 'id' } } }] },
      },
    ],
  };
  expect(referencedSecrets(spec)).toEqual(['all', 'bucket', 'projected', 'pull', 'variable', 'volume']);
  expect(referencedSecrets(undefined)).toEqual([]);
});

const grants = [{ name: 'npm' }, { name: 'prod', refs: ['refs/heads/main', 'refs/tags/v*'] }];
test.for([
  { name: 'a trusted run of main', trust: 'trusted' as const, ref: 'refs/heads/main', granted: ['npm', 'prod'] },
  { name: 'a trusted run of a release tag', trust: 'trusted' as const, ref: 'refs/tags/v1', granted: ['npm', 'prod'] },
  { name: 'a trusted run of a pull request', trust: 'trusted' as const, ref: 'refs/pull/3/head', granted: ['npm'] },
  { name: 'a run that is not trusted', trust: 'untrusted' as const, ref: 'refs/heads/main', granted: [] },
])('$name gets $granted', ({ trust, ref, granted }) => {
  expect(grantSecrets({ asked: ['prod', 'npm', 'npm'], grants, trust, ref })).toEqual({ granted, unknown: [] });
});

test('a Secret that the Repository grants to nobody is told apart from one that this run does not get', () => {
  expect(grantSecrets({ asked: ['other'], grants, trust: 'untrusted', ref: 'refs/heads/main' })).toEqual({
    granted: [],
    unknown: ['other'],
  });
});
