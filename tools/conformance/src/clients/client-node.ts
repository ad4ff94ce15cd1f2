import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Attach,
  CoreV1Api,
  Exec,
  KubeConfig,
  Log,
  makeInformer,
  PortForward,
  type V1ConfigMap,
  type V1Pod,
  type V1Status,
  Watch,
} from '@kubernetes/client-node';
import { type Case, expectJson, expectTrue, type Outcome } from '../suite.ts';
import type { Stage } from './stage.ts';

const namespace = 'default';
const timeoutMs = 20_000;

/** What programs do with the JavaScript client. */
export function clientNodeCases(stage: Stage): readonly Case[] {
  const config = (): KubeConfig => {
    const made = new KubeConfig();
    made.loadFromFile(stage.kubeconfig);
    return made;
  };
  const plays: Readonly<Record<string, (config: KubeConfig) => Promise<Outcome>>> = {
    'create, read and list a pod': createPod,
    'Watch sends what is there and what changes': watchChanges,
    'an informer follows additions, changes and deletions': informs,
    'Exec passes input and output and tells the exit code': execs,
    'Exec tells standard errors apart': execErrors,
    'Attach shows the output': attaches,
    'Log follows': follows,
    'PortForward carries bytes in both directions': forwards,
    'a refused request is an error with the code': refused,
    'delete the pod': deletePod,
  };
  return Object.entries(plays).map(([id, play]) => ({ set: 'client-node', id, play: () => play(config()) }));
}

const script =
  "require('net').createServer((s)=>s.on('data',(d)=>s.write('echo '+d))).listen(7070,process.env.POD_IP);" +
  "setInterval(()=>console.log('tick'),100)";

async function createPod(config: KubeConfig): Promise<Outcome> {
  const api = config.makeApiClient(CoreV1Api);
  await startPod(api, 'programmed', ['node', '-e', script]);
  const { items } = await api.listNamespacedPod({ namespace, fieldSelector: 'status.phase=Running' });
  return expectJson(
    items.map((pod) => pod.metadata?.name),
    ['programmed'],
  );
}

async function startPod(api: CoreV1Api, name: string, command: string[]): Promise<void> {
  const env = [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }];
  const containers = [{ name: 'main', image: 'tools', command, env }];
  const spec = { terminationGracePeriodSeconds: 0, restartPolicy: 'Never', containers };
  const body: V1Pod = { metadata: { name }, spec };
  await api.createNamespacedPod({ namespace, body });
  await until(async () => (await api.readNamespacedPod({ namespace, name })).status?.phase === 'Running');
}

async function watchChanges(config: KubeConfig): Promise<Outcome> {
  const api = config.makeApiClient(CoreV1Api);
  const seen: string[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const selector = { labelSelector: 'watched=yes' };
  const onEvent = (type: string): void => {
    seen.push(type);
    if (type === 'DELETED') resolve();
  };
  const controller = await new Watch(config).watch(path, selector, onEvent, () => resolve());
  const name = 'watched';
  const body: V1ConfigMap = { metadata: { name, labels: { watched: 'yes' } }, data: { a: '1' } };
  const changed: V1ConfigMap = { metadata: { name, labels: { watched: 'yes' } }, data: { a: '2' } };
  await api.createNamespacedConfigMap({ namespace, body });
  await api.replaceNamespacedConfigMap({ namespace, name, body: changed });
  await api.deleteNamespacedConfigMap({ namespace, name });
  await within(done);
  controller.abort();
  return expectJson(seen, ['ADDED', 'MODIFIED', 'DELETED']);
}

async function informs(config: KubeConfig): Promise<Outcome> {
  const api = config.makeApiClient(CoreV1Api);
  const seen: string[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const { promise: listed, resolve: ready } = Promise.withResolvers<void>();
  const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, () =>
    api.listNamespacedConfigMap({ namespace }).finally(ready),
  );
  for (const verb of ['add', 'update', 'delete'] as const) {
    informer.on(verb, (object) => {
      if (object.metadata?.name !== 'informed') return;
      seen.push(verb);
      if (verb === 'delete') resolve();
    });
  }
  await informer.start();
  await within(listed);
  const name = 'informed';
  await api.createNamespacedConfigMap({ namespace, body: { metadata: { name }, data: { a: '1' } } });
  await api.replaceNamespacedConfigMap({ namespace, name, body: { metadata: { name }, data: { a: '2' } } });
  await api.deleteNamespacedConfigMap({ namespace, name });
  await within(done);
  await informer.stop();
  return expectJson(seen, ['add', 'update', 'delete']);
}

async function execs(config: KubeConfig): Promise<Outcome> {
  const got = await exec(config, ['sh', '-c', 'cat; exit 3'], 'typed');
  return expectJson({ out: got.out, code: got.code }, { out: 'typed', code: '3' });
}

async function execErrors(config: KubeConfig): Promise<Outcome> {
  const got = await exec(config, ['sh', '-c', 'echo out; echo err >&2'], undefined);
  return expectJson(got, { out: 'out\n', err: 'err\n', code: 'Success' });
}

async function exec(config: KubeConfig, command: string[], input: string | undefined) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [collect(stdout), collect(stderr)];
  const { promise: ended, resolve } = Promise.withResolvers<V1Status>();
  const stdin = input === undefined ? null : new PassThrough();
  const socket = await new Exec(config).exec(
    namespace,
    'programmed',
    'main',
    command,
    stdout,
    stderr,
    stdin,
    false,
    resolve,
  );
  stdin?.end(input);
  const status = await within(ended);
  socket.close();
  const code = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message ?? status.status;
  return { out: out(), err: err(), code };
}

async function attaches(config: KubeConfig): Promise<Outcome> {
  const stdout = new PassThrough();
  const text = collect(stdout);
  const socket = await new Attach(config).attach(namespace, 'programmed', 'main', stdout, null, null, false);
  await until(() => text().includes('tick'));
  socket.close();
  return expectTrue(text().includes('tick'), 'output with "tick"', text());
}

/** To its end: when a followed log is broken off, client-node 2.0.1 throws where nobody can catch it. */
async function follows(config: KubeConfig): Promise<Outcome> {
  const api = config.makeApiClient(CoreV1Api);
  await startPod(api, 'short', ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.3; done']);
  const stream = new PassThrough();
  const text = collect(stream);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  stream.once('end', resolve);
  await new Log(config).log(namespace, 'short', 'main', stream, { follow: true });
  await within(ended);
  await api.deleteNamespacedPod({ namespace, name: 'short', gracePeriodSeconds: 0 });
  return expectJson(text(), '1\n2\n3\n');
}

async function forwards(config: KubeConfig): Promise<Outcome> {
  const [output, errors, input] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const text = collect(output);
  const socket = await new PortForward(config).portForward(namespace, 'programmed', [7070], output, errors, input);
  input.write('ping');
  await until(() => text().includes('ping'));
  if ('close' in socket) socket.close();
  return expectJson(text(), 'echo ping');
}

async function refused(config: KubeConfig): Promise<Outcome> {
  const api = config.makeApiClient(CoreV1Api);
  try {
    await api.readNamespacedPod({ namespace, name: 'none' });
    return { result: 'failed', wanted: 'an error with code 404', got: 'a pod' };
  } catch (error) {
    return expectJson(error instanceof Error && 'code' in error ? error.code : String(error), 404);
  }
}

async function deletePod(config: KubeConfig): Promise<Outcome> {
  const api = config.makeApiClient(CoreV1Api);
  await api.deleteNamespacedPod({ namespace, name: 'programmed', gracePeriodSeconds: 0 });
  const left = async (): Promise<readonly V1Pod[]> =>
    (await api.listNamespacedPod({ namespace, fieldSelector: 'metadata.name=programmed' })).items;
  await until(async () => (await left()).length === 0);
  return expectJson((await left()).length, 0);
}

function collect(stream: PassThrough): () => string {
  const chunks: Uint8Array[] = [];
  stream.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

async function within<T>(promise: Promise<T>): Promise<T> {
  const limit = new AbortController();
  const late = delay(timeoutMs, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`nothing came within ${timeoutMs} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    limit.abort();
  }
}

/** Polls: the client has no event for what is waited for. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end && !(await holds())) await delay(50);
}
