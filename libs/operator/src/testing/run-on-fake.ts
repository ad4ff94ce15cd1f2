import { type Running, silentLog } from '@sluice/runtime';
import type { FakeKube } from '@sluice/reconcile/testing';
import { limitAccess } from '../access.ts';
import { type Operator, start } from '../operator.ts';

export type FakeRunOptions = { readonly namespace?: string; readonly now?: () => number };

/**
 * Run an operator on a fake, with the rights that it declares and no others: a request that its role would not allow is refused
 * here as there.
 */
export function runOnFake(operator: Operator, kube: FakeKube, options: FakeRunOptions = {}): Promise<Running> {
  return start(operator, { ...options, kube: limitAccess(kube, operator.access), log: silentLog });
}
