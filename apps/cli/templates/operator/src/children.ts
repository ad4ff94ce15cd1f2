import type { JsonObject, KubeObject } from '@sluice/operator';
import type { Sample } from './kind.ts';

const program = `
  const { createServer } = require('node:http');
  createServer((_, response) => response.end(process.env.TEXT + '\\n')).listen(8080, process.env.POD_IP);
`;

/** The servers of a Sample. Pure, and so easily tested. */
export function buildDeployment({ metadata: { name }, spec }: Sample): KubeObject<JsonObject> {
  const labels = { app: name };
  const env = [
    { name: 'TEXT', value: spec.text },
    { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
  ];
  const container = {
    name: 'server',
    image: 'node:24-slim',
    command: ['node', '-e', program],
    env,
    readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas: spec.servers,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 2, containers: [container] } },
    },
  };
}

/** How many servers are ready. */
export function readyServers(deployments: readonly KubeObject[]): number {
  const ready = (status: unknown): number => (status as { readyReplicas?: number } | undefined)?.readyReplicas ?? 0;
  return deployments.reduce((sum, { status }) => sum + ready(status), 0);
}
