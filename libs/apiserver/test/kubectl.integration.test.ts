import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiServer } from '../src/server/api-server.ts';
import { startTestApiServer, testClient } from '../src/testing.ts';
import { findBinary } from './client-binaries.ts';
import { clientRunner, type Outcome, playDeploymentController, type Runner } from './client-runner.ts';
import { widgetDefinition } from './widget.ts';

const kubectl = findBinary('kubectl') ?? '';

const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1", ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;

describe.skipIf(kubectl === '')('the real kubectl (skipped where there is none)', { timeout: 60_000 }, () => {
  let server: ApiServer;
  let runner: Runner;
  let stopController: () => void;
  beforeAll(async () => {
    server = await startTestApiServer({
      async *podLogs() {
        yield Buffer.from('hello from the log\n');
      },
    });
    runner = await clientRunner(server);
    stopController = await playDeploymentController(server);
    await writeFile(join(runner.folder, 'web.yaml'), manifest);
    await writeFile(join(runner.folder, 'crd.json'), JSON.stringify(widgetDefinition()));
  });
  afterAll(async () => {
    stopController();
    await server.close();
    await runner.close();
  });

  const run = (line: string, input?: string): Promise<Outcome> => runner.run(kubectl, splitWords(line), input);

  const steps: { line: string; input?: string; out?: RegExp; err?: RegExp; code?: number }[] = [
    { line: 'version', out: /Server Version: v1\.35\./ },
    { line: 'cluster-info', out: /control plane.* is running at/ },
    { line: 'api-resources --api-group=apps', out: /deployments +deploy +apps\/v1 +true +Deployment/ },
    { line: 'api-versions', out: /^apps\/v1$/m },
    { line: 'get namespaces', out: /default +Active/ },
    { line: 'apply -f web.yaml', out: /deployment.apps\/web created\nservice\/web created/ },
    { line: 'apply -f web.yaml', out: /deployment.apps\/web unchanged\nservice\/web unchanged/ },
    { line: 'diff -f web.yaml', out: /^$/ },
    { line: 'rollout status deployment/web --timeout=10s', out: /successfully rolled out/ },
    { line: 'get deployment web', out: /NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +2\/2 +2 +2/ },
    { line: 'get deploy,svc -o wide', out: /service\/web +ClusterIP +127\.96\.\d+\.\d+ +<none> +80\/TCP/ },
    { line: 'get deployment web -o yaml', out: /progressDeadlineSeconds: 600/ },
    { line: 'get deployment web -o jsonpath={.spec.replicas}', out: /^2$/ },
    { line: 'describe deployment web', out: /StrategyType: +RollingUpdate/ },
    { line: 'scale deployment web --replicas=3', out: /scaled/ },
    { line: 'wait deployment/web --for=jsonpath={.status.readyReplicas}=3 --timeout=10s', out: /condition met/ },
    { line: 'wait deployment/web --for=condition=Available --timeout=10s', out: /condition met/ },
    { line: 'set image deployment/web web=nginx:2', out: /image updated/ },
    { line: 'rollout restart deployment/web', out: /restarted/ },
    { line: 'diff -f web.yaml', out: /-  replicas: 3\n\+  replicas: 2/, code: 1 },
    {
      line: 'apply --server-side -f web.yaml',
      err: /Apply failed with 2 conflicts: conflicts with "kubectl" with subresource "scale" using apps\/v1 at \d{4}-[^ ]+Z:\n- \.spec\.replicas\n/,
      code: 1,
    },
    { line: 'apply --server-side --force-conflicts -f web.yaml', out: /deployment.apps\/web serverside-applied/ },
    { line: 'label deployment web tier=front', out: /labeled/ },
    { line: 'label deployment web tier=back', err: /already has a value/, code: 1 },
    { line: 'annotate deployment web note=here', out: /annotated/ },
    { line: 'get deployment -l tier=front -o name', out: /^deployment.apps\/web$/m },
    {
      line: 'patch deployment web -p {"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx:3"}]}}}}',
      out: /patched/,
    },
    {
      line: 'patch deployment web --type=json -p [{"op":"remove","path":"/metadata/annotations/note"}]',
      out: /patched/,
    },
    { line: 'patch deployment web --type=merge -p {"spec":{"replicas":1}}', out: /patched/ },
    {
      line: 'patch deployment web --subresource=status --type=merge -p {"status":{"readyReplicas":1}}',
      out: /patched/,
    },
    { line: 'explain deployment.spec.replicas', out: /FIELD: replicas <integer>/ },
    {
      line: 'create -f -',
      input: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"dataa":{}}',
      err: /unknown field "dataa"/,
      code: 1,
    },
    { line: 'create configmap settings --from-literal=a=1', out: /configmap\/settings created/ },
    { line: 'create configmap settings --from-literal=a=1', err: /configmaps "settings" already exists/, code: 1 },
    { line: 'create secret generic keys --from-literal=k=v', out: /secret\/keys created/ },
    { line: 'get secret keys -o jsonpath={.data.k}', out: /^dg==$/ },
    { line: 'create namespace other', out: /created/ },
    { line: 'create serviceaccount bot', out: /created/ },
    { line: 'create token bot', out: /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/ },
    { line: 'create job once --image=busybox -- echo hi', out: /job.batch\/once created/ },
    { line: 'create cronjob often --image=busybox --schedule=@hourly', out: /created/ },
    { line: 'create ingress route --rule=a.example.com/x=web:80', out: /created/ },
    { line: 'create role reader --verb=get --resource=pods', out: /created/ },
    { line: 'create rolebinding reader --role=reader --serviceaccount=default:bot', out: /created/ },
    { line: 'auth can-i delete pods', out: /^yes$/m },
    { line: 'auth can-i get pods --as=nobody', out: /^no$/m, code: 1 },
    { line: 'auth can-i get pods --as=system:serviceaccount:default:bot', out: /^yes$/m },
    { line: 'auth whoami', out: /kubernetes-admin/ },
    { line: 'run shell --image=busybox --restart=Never', out: /pod\/shell created/ },
    { line: 'get pods', out: /shell +0\/1 +Pending/ },
    { line: 'get pods --field-selector=spec.nodeName=local -o name', out: /pod\/shell/ },
    { line: 'describe pod shell', out: /Node: +local\// },
    { line: 'logs shell', out: /^hello from the log$/m },
    { line: 'exec shell -- ls', err: /exec [a-z ]*is not supported yet/, code: 1 },
    { line: 'delete pod shell --grace-period=0 --force', out: /force deleted/ },
    { line: 'get pod shell', err: /pods "shell" not found/, code: 1 },
    { line: 'create -f crd.json', out: /created/ },
    { line: 'wait --for=condition=Established crd/widgets.example.com --timeout=5s', out: /condition met/ },
    {
      line: 'apply -f -',
      input: '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":3}}',
      out: /widget.example.com\/w created/,
    },
    {
      line: 'apply -f -',
      input: '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":4}}',
      out: /widget.example.com\/w configured/,
    },
    { line: 'get wd', out: /NAME +SIZE\nw +4/ },
    { line: 'scale widget w --replicas=2', out: /scaled/ },
    { line: 'explain widget.spec.size', out: /FIELD: size <integer>/ },
    { line: 'delete widget w', out: /deleted/ },
    { line: 'delete crd widgets.example.com', out: /deleted/ },
    { line: 'get events -A', err: /No resources found/ },
    { line: 'get all -A', out: /service\/kubernetes/ },
    { line: 'replace -f web.yaml', out: /deployment.apps\/web replaced/ },
    { line: 'delete configmap --all', out: /"settings" deleted/ },
    { line: 'delete -f web.yaml', out: /deployment.apps "web" deleted/ },
    { line: 'get nothing', err: /doesn't have a resource type "nothing"/, code: 1 },
  ];

  test('understands every answer of a working day', async () => {
    const wrong: string[] = [];
    for (const { line, input, out, err, code = 0 } of steps) {
      const outcome = await run(line, input);
      const right = outcome.code === code && (out?.test(outcome.out) ?? true) && (err?.test(outcome.err) ?? true);
      if (!right)
        wrong.push(
          `${line}\n  exit ${outcome.code}\n  out: ${outcome.out.slice(0, 500)}\n  err: ${outcome.err.slice(0, 500)}`,
        );
    }
    expect(wrong).toEqual([]);
  });

  test('sees changes as they happen with get --watch', async () => {
    const env = { ...process.env, HOME: runner.folder, KUBECONFIG: join(runner.folder, 'kubeconfig') };
    const child = spawn(kubectl, ['get', 'configmaps', '--watch'], { env });
    const send = testClient(server.handle);
    let seen = '';
    const watching = new Promise<void>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        seen += text;
        if (/^second +1/m.test(seen)) resolve();
        else if (/^first +0/m.test(seen)) {
          void send('POST', '/api/v1/namespaces/default/configmaps', {
            metadata: { name: 'second' },
            data: { a: '1' },
          });
        }
      });
    });
    await send('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'first' } });
    await watching;
    child.kill();
    expect(seen).toMatch(/^NAME +DATA +AGE/);
  });
});

/** Words of a command line; JSON arguments hold no spaces. */
function splitWords(line: string): string[] {
  return line.split(' ');
}
