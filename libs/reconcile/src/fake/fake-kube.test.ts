import { resources } from '@sluice/model';
import { describe, expect, test } from 'vitest';
import { FakeKube, kubeApiContract } from '../testing.ts';

describe('the contract of KubeApi', () => {
  test.for(kubeApiContract)('$name', async ({ run }) => {
    await expect(run(new FakeKube(), 'contract')).resolves.toBeUndefined();
  });
});

test('the n-th call can be made to fail', async () => {
  const kube = new FakeKube();
  kube.fail({ verb: 'get', nth: 2, times: 2, error: new Error('down') });
  const results: string[] = [];
  for (let call = 0; call < 4; call++) {
    results.push(await kube.get(resources.pods, { namespace: 'ns', name: 'p' }).then(() => 'ok', () => 'failed')); // prettier-ignore
  }
  expect(results).toEqual(['ok', 'failed', 'failed', 'ok']);
  expect(kube.count('get', resources.pods)).toBe(4);
  expect(kube.writes()).toBe(0);
});
