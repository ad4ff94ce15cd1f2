const managers = ['kubectl-client-side-apply', 'kube-scheduler', 'kubelet'];

/** A pod as a real server lists it: no kind, three managers, a status. About 2.4 KB of JSON. */
export function listedPod(index: number, version: number) {
  const name = `web-${String(index).padStart(5, '0')}-7c9d8f6b5-x2x9k`;
  const time = '2026-01-01T00:00:00Z';
  return {
    metadata: {
      name,
      generateName: name.slice(0, -5),
      namespace: `team-${index % 40}`,
      uid: `8d3c2f1e-0000-4000-8000-${String(index).padStart(12, '0')}`,
      resourceVersion: String(version),
      creationTimestamp: time,
      labels: { app: `web-${index % 200}`, 'pod-template-hash': '7c9d8f6b5', tier: 'front' },
      annotations: { 'example.com/checksum': `sha256:${String(index).padStart(64, '0')}` },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `web-${index % 200}`,
          uid: `rs-${index % 200}`,
          controller: true,
        },
      ],
      managedFields: managers.map((manager) => ({ manager, operation: 'Update', apiVersion: 'v1', time, fieldsV1 })),
    },
    spec: {
      containers: [
        {
          name: 'main',
          image: `registry.example.com/team/web:1.${index % 50}.0`,
          args: ['--listen', ':8080', '--shard', String(index)],
          env: Array.from({ length: 6 }, (_, at) => ({ name: `VARIABLE_${at}`, value: `value ${at} of ${index}` })),
          ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
          volumeMounts: [{ name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }],
          imagePullPolicy: 'IfNotPresent',
        },
      ],
      restartPolicy: 'Always',
      nodeName: `node-${index % 100}`,
      serviceAccountName: 'default',
      schedulerName: 'default-scheduler',
      volumes: [{ name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
    },
    status: {
      phase: 'Running',
      podIP: `10.0.${index % 250}.${index % 200}`,
      startTime: time,
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
        type,
        status: 'True',
        lastTransitionTime: time,
      })),
      containerStatuses: [{ name: 'main', ready: true, restartCount: 0, state: { running: { startedAt: time } } }],
    },
  };
}

const fieldsV1 = {
  'f:metadata': { 'f:labels': { 'f:app': {}, 'f:tier': {} }, 'f:annotations': { '.': {} } },
  'f:status': { 'f:phase': {}, 'f:podIP': {}, 'f:conditions': { 'k:{"type":"Ready"}': { 'f:status': {} } } },
};
