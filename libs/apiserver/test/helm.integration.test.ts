import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, testClient } from '../src/testing.ts';
import { findBinary } from './client-binaries.ts';
import { clientRunner, playDeploymentController, type Runner } from './client-runner.ts';

// oxlint-disable vitest/valid-expect -- a second argument names the case
const helm = findBinary('helm') ?? '';

describe.skipIf(helm === '')('the real helm (skipped where there is none)', { timeout: 120_000 }, () => {
  let server: ApiServer;
  let runner: Runner;
  let stopController: () => void;
  beforeAll(async () => {
    server = await startTestApiServer();
    runner = await clientRunner(server);
    stopController = await playDeploymentController(server);
    await runner.run(helm, ['create', 'demo']);
  });
  afterAll(async () => {
    stopController();
    await server.close();
    await runner.close();
  });

  const steps: { line: string; out?: RegExp; err?: RegExp; code?: number }[] = [
    { line: 'install web demo --wait --timeout 20s', out: /STATUS: deployed\nREVISION: 1/ },
    { line: 'list', out: /^web\s+default\s+1\s.*deployed\s+demo-0\.1\.0/m },
    { line: 'status web', out: /==> v1\/Deployment\nNAME +READY.*\nweb-demo +1\/1/ },
    { line: 'install web demo', err: /cannot reuse a name that is still in use/, code: 1 },
    { line: 'upgrade web demo --set replicaCount=3 --wait --timeout 20s', out: /REVISION: 2/ },
    { line: 'get values web', out: /replicaCount: 3/ },
    { line: 'rollback web 1 --wait --timeout 20s', out: /Rollback was a success/ },
    { line: 'history web', out: /^3\s.*deployed\s.*Rollback to 1/m },
    {
      line: 'upgrade --install other demo -n apart --create-namespace --set ingress.enabled=true --set autoscaling.enabled=true',
      out: /REVISION: 1/,
    },
    { line: 'upgrade other demo -n apart --server-side=false --set image.tag=2', out: /REVISION: 2/ },
    { line: 'get values other -n apart', out: /tag: 2/ },
    { line: 'list -A', out: /^other\s+apart\s/m },
    { line: 'upgrade web demo --dry-run=server', out: /STATUS: pending-upgrade|deployed/ },
    { line: 'uninstall other -n apart --wait --timeout 20s', out: /release "other" uninstalled/ },
    { line: 'uninstall web --keep-history', out: /uninstalled/ },
    { line: 'history web', out: /^3\s.*uninstalled/m },
    { line: 'uninstall web', out: /uninstalled/ },
    { line: 'status web', err: /not found/, code: 1 },
  ];

  test('installs, upgrades, rolls back and uninstalls a chart, and waits for it', async () => {
    const wrong: string[] = [];
    for (const { line, out, err, code = 0 } of steps) {
      const outcome = await runner.run(helm, line.split(' '));
      const right = outcome.code === code && (out?.test(outcome.out) ?? true) && (err?.test(outcome.err) ?? true);
      if (!right)
        wrong.push(
          `${line}\n  exit ${outcome.code}\n  out: ${outcome.out.slice(0, 600)}\n  err: ${outcome.err.slice(0, 600)}`,
        );
    }
    expect(wrong).toEqual([]);
  });

  test('leaves nothing behind', async () => {
    const send = testClient(server.handle);
    for (const path of [
      '/apis/apps/v1/deployments',
      '/api/v1/secrets',
      '/api/v1/serviceaccounts',
      '/apis/autoscaling/v2/horizontalpodautoscalers',
    ]) {
      expect((await send('GET', path)).body.items, path).toEqual([]);
    }
  });
});
