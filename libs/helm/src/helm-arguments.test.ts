import { expect, test } from 'vitest';
import {
  installArguments,
  rollbackArguments,
  testArguments,
  uninstallArguments,
  upgradeArguments,
} from './helm-arguments.ts';
import { classifyFailure } from './helm-failure.ts';

const target = { name: 'demo', namespace: 'apps' };
const chart = { chartDirectory: '/charts/demo', values: '{}', timeoutMs: 300_000 };

test('an install leaves CRDs alone, waits, and applies on the server with conflicts forced', () => {
  expect(
    installArguments({ ...target, ...chart, waitForJobs: true, createNamespace: true, takeOwnership: true }).join(' '),
  ).toBe(
    'install demo /charts/demo --namespace apps --values - --skip-crds --take-ownership --timeout 300s --wait=watcher ' +
      '--wait-for-jobs --server-side=true --force-conflicts --create-namespace',
  );
});

test('conflicts are forced and objects replaced only where helm allows it', () => {
  const clientSide = upgradeArguments({ ...target, ...chart, serverSide: false, force: true });
  expect(clientSide).toContain('--force-replace');
  expect(clientSide).not.toContain('--force-conflicts');
  expect(upgradeArguments({ ...target, ...chart, force: true })).not.toContain('--force-replace');
});

test('without waiting only hooks are waited for', () => {
  const args = upgradeArguments({ ...target, ...chart, wait: 'none', waitForJobs: true }).join(' ');
  expect(args).toContain('--wait=hookOnly');
  expect(args).not.toContain('--wait-for-jobs');
});

test('rollback, uninstall and test name what they are about', () => {
  expect(rollbackArguments({ ...target, revision: 3, timeoutMs: 1, maxHistory: 5 }).join(' ')).toBe(
    'rollback demo 3 --namespace apps --timeout 1s --wait=watcher --server-side=true --force-conflicts --history-max 5',
  );
  expect(uninstallArguments({ ...target, timeoutMs: 60_000, cascade: 'orphan', keepHistory: true }).join(' ')).toBe(
    'uninstall demo --namespace apps --ignore-not-found --timeout 60s --wait=watcher --cascade orphan --keep-history',
  );
  expect(
    testArguments({ ...target, timeoutMs: 60_000, filters: [{ name: 'a' }, { name: 'b', exclude: true }] }).join(' '),
  ).toBe('test demo --namespace apps --timeout 60s --filter name=a --filter !name=b');
});

test.for([
  ['Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress', 'Locked'],
  ['Error: INSTALLATION FAILED: cannot reuse a name that is still in use', 'NameInUse'],
  ['Error: UPGRADE FAILED: "x" has no deployed releases', 'NoDeployedRelease'],
  ['Error: uninstall: Release not loaded: x: release: not found', 'NotFound'],
  [
    'Error: resource Deployment/ns/x not ready. status: InProgress, message: Replicas: 0/1\ncontext deadline exceeded',
    'NotReady',
  ],
  ['Error: release x failed: context canceled', 'Cancelled'],
  ['Error: UPGRADE FAILED: conflict occurred while applying object ns/x', 'Conflict'],
  ['Error: cluster reachability check failed: dial tcp: connection refused', 'Unreachable'],
  ['Error: execution error at (demo/templates/x.yaml:1:3): no', 'RenderFailed'],
  ['Error: something new', 'Other'],
])('%s is %s', ([stderr = '', kind]) => {
  expect(classifyFailure(`level=WARN msg="noise"\n${stderr}\n`).kind).toBe(kind);
});

test('the message is what follows Error:, without the noise before it', () => {
  expect(classifyFailure('level=WARN msg=x\nError: INSTALLATION FAILED: no\nmore\n').message).toBe(
    'INSTALLATION FAILED: no\nmore',
  );
  expect(classifyFailure('').message).toBe('helm failed without a word');
});
