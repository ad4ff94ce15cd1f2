import { resources } from '@sluice/model';
import { expect, test } from 'vitest';
import { isKubeError, KubeApiError } from './kube-api.ts';

test('an API error is told apart by its reason', () => {
  const error = new KubeApiError(404, 'NotFound', `no ${resources.pods.kind}`);
  expect(isKubeError(error, 'NotFound')).toBe(true);
  expect(isKubeError(error, 'Conflict')).toBe(false);
  expect(isKubeError(new Error('NotFound'), 'NotFound')).toBe(false);
});
