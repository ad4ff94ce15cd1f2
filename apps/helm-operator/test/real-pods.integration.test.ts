import { resources, type KubeObject } from '@sluice/model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Running } from '@sluice/runtime';
import {
  applyRelease,
  applySource,
  helmBinary,
  revisionsOf,
  startCluster,
  waitForCondition,
  type Cluster,
} from './cluster.ts';

/** A Deployment of two replicas whose pods run this script and are ready once `ready` exists in /tmp. */
const appChart = (script: string): Record<string, string> => ({
  'templates/app.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-app
spec:
  replicas: 2
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      containers:
        - name: app
          image: none
          command: [/bin/sh, -c, ${JSON.stringify(script)}]
          readinessProbe: { periodSeconds: 1, exec: { command: [/bin/sh, -c, 'test -e /tmp/ready'] } }
`,
});

type Deployment = KubeObject<unknown, { readonly readyReplicas?: number; readonly updatedReplicas?: number }>;

describe.skipIf(!helmBinary || process.platform !== 'linux')('with pods that really run (needs linux and helm)', () => {
  let cluster: Cluster;
  let operator: Running;

  beforeEach(async () => {
    cluster = await startCluster();
    await cluster.startNode();
    operator = await cluster.startOperator();
  });

  afterEach(async () => {
    await operator.close();
    await cluster.close();
  });

  test('an upgrade whose pods crash is rolled back, and the message has the end of their log', async () => {
    await applySource(cluster.kube, await cluster.push(appChart('touch /tmp/ready; exec sleep 1000'), '1.0.0'));
    await applyRelease(cluster.kube, {
      timeout: '12s',
      upgrade: { timeout: '6s', remediation: { remediateLastFailure: true } },
    });
    await waitForCondition(cluster.kube, 'Ready', 'True', 'InstallSucceeded');
    await applySource(
      cluster.kube,
      await cluster.push(appChart('echo the database password is missing >&2; exit 7'), '2.0.0'),
    );
    const failed = await waitForCondition(cluster.kube, 'Stalled', 'True', 'RetriesExceeded');
    const message = failed.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
    expect(message).toContain('now serves chart demo@1.0.0');
    expect(message).toContain('CrashLoopBackOff');
    expect(message).toContain('the database password is missing');
    expect(await revisionsOf(cluster.kube)).toEqual(['v1 superseded', 'v2 failed', 'v3 deployed']);
    const app = await cluster.kube.get<Deployment>(resources.deployments, { namespace: 'apps', name: 'demo-app' });
    expect(app?.status).toMatchObject({ readyReplicas: 2, updatedReplicas: 2 });
  });
});
