const pod = (name: string, script: string, extra = ''): string => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: {app: ${name}}
spec:
  terminationGracePeriodSeconds: 1
${extra}  containers:
  - name: main
    image: tools
    command: [sh, -c, ${JSON.stringify(script)}]
`;

const server =
  "require('http').createServer((q,r)=>r.end('hello '+q.url+'\\\\n')).listen(8080,process.env.POD_IP,()=>console.log('listening'))";

/** The files that command lines read, by their path. */
export const stageFiles: Readonly<Record<string, string>> = {
  'config.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {team: a}}
data: {color: blue, size: "3"}
`,
  'config-2.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {team: a}}
data: {color: red}
`,
  'bad-field.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: bad}
dada: {a: b}
`,
  'bad-kind.yaml': `apiVersion: example.org/v1
kind: Nothing
metadata: {name: bad}
`,
  'bad-name.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: Bad_Name}
`,
  'kustomize/kustomization.yaml': `resources: [map.yaml]
namePrefix: pre-
labels: [{pairs: {from: kustomize}}]
`,
  'kustomize/map.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: built}
data: {a: b}
`,
  'crd.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.count, statusReplicasPath: .status.count}}
    additionalPrinterColumns: [{name: Count, type: integer, jsonPath: .spec.count}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [count]
            properties:
              count: {type: integer, minimum: 1, maximum: 9, description: how many}
              mode: {type: string, default: plain}
          status: {type: object, properties: {count: {type: integer}}}
`,
  'widget.yaml': `apiVersion: example.org/v1
kind: Widget
metadata: {name: first}
spec: {count: 2}
`,
  'widget-bad.yaml': `apiVersion: example.org/v1
kind: Widget
metadata: {name: second}
spec: {count: 20}
`,
  'web.yaml': `${pod('web', '').replace(
    /command: .*/,
    `env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
    command: [node, -e, "${server}"]
    ports: [{containerPort: 8080}]`,
  )}`,
  'shell.yaml': pod('shell', 'echo begun; while true; do sleep 0.2; done'),
  'three-lines.yaml': pod('three-lines', 'echo one; echo two; echo three', '  restartPolicy: Never\n'),
  'failing.yaml': pod('failing', 'echo oops; exit 3', '  restartPolicy: Never\n'),
  'cat.yaml': pod('cat', 'cat').replace('image: tools', 'image: tools\n    stdin: true'),
  'probed.yaml': `${pod('probed', 'sleep 300')}    readinessProbe:
      exec: {command: [sh, -c, "ps ax | grep -v grep | grep -q 'sleep 300'"]}
      periodSeconds: 1
`,
  'deployment.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 2
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: tools, command: [sleep, "300"]}]
`,
  'stateful.yaml': `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: tools, command: [sleep, "300"]}]
`,
  'daemon.yaml': `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: tools, command: [sleep, "300"]}]
`,
  'chart/Chart.yaml':
    'apiVersion: v2\nname: demo\nversion: 0.1.0\nappVersion: "1.0"\ndescription: a chart to play with\n',
  'chart/values.yaml': 'color: blue\nreplicas: 1\nfail: false\n',
  'chart/templates/map.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-map\ndata:\n  color: {{ .Values.color }}\n',
  'chart/templates/deployment.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {release: {{ .Release.Name }}}}
  template:
    metadata: {labels: {release: {{ .Release.Name }}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: tools, command: [sleep, "300"]}]
`,
  'chart/templates/hook.yaml': `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-delete-policy: before-hook-creation}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: tools, command: [sh, -c, "exit {{ if .Values.fail }}1{{ else }}0{{ end }}"]}]
`,
  'chart/templates/test.yaml': `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  annotations: {helm.sh/hook: test}
spec:
  restartPolicy: Never
  containers: [{name: main, image: tools, command: [sh, -c, "echo tested"]}]
`,
  'chart/templates/NOTES.txt': 'the color is {{ .Values.color }}\n',
};
