/** A ConfigMap of about a kilobyte, as JSON. */
export function configMapOf(name: string): string {
  const data = { config: 'x'.repeat(700), name };
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { app: 'bench' } }, data });
}

/** A pod with what pods usually have, as JSON. */
export function podOf(index: number): string {
  const name = `bench-${index}`;
  const env = Array.from({ length: 8 }, (_, at) => ({ name: `VARIABLE_${at}`, value: `value ${at} of ${index}` }));
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'bench', shard: String(index % 10) }, annotations: { 'example.com/note': name } },
    spec: {
      restartPolicy: 'Never',
      schedulerName: 'none',
      containers: [
        {
          name: 'main',
          image: 'registry.example.com/team/app:1.2.3',
          command: ['/bin/app', '--listen', ':8080', '--index', String(index)],
          env,
          ports: [{ name: 'http', containerPort: 8080 }],
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
          volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
        },
      ],
      volumes: [{ name: 'scratch', emptyDir: {} }],
    },
  });
}
