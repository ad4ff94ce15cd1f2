import { createKubeApi } from '@sluice/kube';
import type { Json, JsonObject, KubeObject, PodTask, Resource } from '@sluice/model';
import type { TaskContext, TaskEnd } from '@sluice/node-agent';
import type { KubeApi } from '@sluice/reconcile';
import type { HttpHandler } from '@sluice/runtime';
import { parseAllDocuments } from 'yaml';
import { meets, parseCondition } from './conditions.ts';
import type { ExecutorPorts } from './ports.ts';
import { actOn, type Target } from './resource-actions.ts';
import { resourceOfKind, resourceOfWord } from './discovery.ts';
import { parseFlags, type ResourceFlags } from './resource-flags.ts';
import { resourceOutputs } from './resource-outputs.ts';
import { TaskError } from './task-error.ts';

type ResourceTask = Extract<PodTask, { kind: 'resource' }>;

/** Do what a resource template asks for, wait for its conditions, and read its outputs: all as the pod's service account. */
export async function runResource(task: ResourceTask, context: TaskContext, ports: ExecutorPorts): Promise<TaskEnd> {
  const transport = ports.connect(await context.requestToken());
  try {
    const kube = createKubeApi({ transport });
    const flags = parseFlags(listOf(task.resource['flags']));
    const action = textOf(task.resource, 'action');
    const targets = await targetsOf(task, flags, { kube, transport, context });
    const last: { object?: KubeObject; target?: Target } = {};
    for (const target of targets) {
      const object = await actOn({ kube, action, flags, context }, target, task.resource);
      context.print(`${target.resource.plural}/${target.name ?? object?.metadata.name ?? ''} ${action}`);
      if (object) Object.assign(last, { object, target });
    }
    const { object, target } = last;
    if (!object || !target) return { code: 0 };
    const settled = await untilSettled({ kube, task, context }, target, object);
    const parameters = await resourceOutputs(settled as unknown as Json, task.parameters);
    return { code: 0, outputs: { parameters } };
  } finally {
    await transport.close();
  }
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function textOf(object: JsonObject, field: string): string {
  const value = object[field];
  return typeof value === 'string' ? value : '';
}

type Finding = { readonly kube: KubeApi; readonly transport: HttpHandler; readonly context: TaskContext };

/** What the manifest names, or without one what the flags name. */
async function targetsOf(task: ResourceTask, flags: ResourceFlags, finding: Finding): Promise<readonly Target[]> {
  const { resource } = task;
  const manifest = textOf(resource, 'manifest');
  const isJsonPatch = textOf(resource, 'action') === 'patch' && textOf(resource, 'mergeStrategy') === 'json';
  if (flags.words.length > 0) return wordTargets(flags, manifest, finding);
  if (isJsonPatch)
    throw new TaskError('a patch of strategy json needs its target in resource.flags, such as [pod, name]');
  if (manifest === '') throw new TaskError('resource.manifest is missing, and resource.flags name nothing');
  const targets: Target[] = [];
  for (const object of readObjects(manifest)) targets.push(await objectTarget(object, task, flags, finding));
  return targets;
}

const maxObjects = 100;

function readObjects(text: string): readonly KubeObject[] {
  const documents = parseAllDocuments(text, { version: '1.1' });
  if (documents.length > maxObjects) throw new TaskError(`resource.manifest holds more than ${maxObjects} objects`);
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error) throw new TaskError(`resource.manifest is no YAML: ${error.message}`);
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null || value === undefined) return [];
    if (typeof value !== 'object' || Array.isArray(value)) throw new TaskError('resource.manifest is no object');
    return [{ ...value, metadata: (value as KubeObject).metadata ?? {} } as KubeObject];
  });
}

async function objectTarget(
  object: KubeObject,
  task: ResourceTask,
  flags: ResourceFlags,
  { transport, context }: Finding,
): Promise<Target> {
  const { apiVersion, kind } = object as { readonly apiVersion?: string; readonly kind?: string };
  if (!apiVersion || !kind) throw new TaskError('resource.manifest: apiVersion and kind must be set');
  const resource = await resourceOfKind(transport, apiVersion, kind, context.signal);
  const { name, namespace } = object.metadata as { readonly name?: string; readonly namespace?: string };
  const owned = task.resource['setOwnerReference'] === true ? withOwner(object, task.owner) : object;
  return {
    resource,
    ...(name ? { name } : {}),
    ...(resource.namespaced ? { namespace: namespace ?? flags.namespace ?? context.namespace } : {}),
    body: owned,
  };
}

function withOwner(object: KubeObject, owner: JsonObject): KubeObject {
  const known = object.metadata.ownerReferences ?? [];
  return { ...object, metadata: { ...object.metadata, ownerReferences: [...known, owner as never] } };
}

async function wordTargets(
  flags: ResourceFlags,
  manifest: string,
  { kube, transport, context }: Finding,
): Promise<readonly Target[]> {
  const [first = '', ...others] = flags.words;
  const [word = '', inline] = first.split('/');
  const names = [...(inline === undefined ? [] : [inline]), ...others.map((one) => one.split('/').at(-1) ?? one)];
  const resource: Resource = await resourceOfWord(transport, word, context.signal);
  const place = resource.namespaced ? { namespace: flags.namespace ?? context.namespace } : {};
  const body = manifest === '' ? {} : { body: parseAllDocuments(manifest)[0]?.toJS() as unknown };
  if (names.length > 0) return names.map((name) => ({ resource, name, ...place, ...body }));
  if (flags.selector === undefined && !flags.all) throw new TaskError('resource.flags name a kind but no object');
  const options = { ...place, ...(flags.selector === undefined ? {} : { labelSelector: flags.selector }) };
  const { items } = await kube.list(resource, { ...options, signal: context.signal });
  return items.map(({ metadata }) => ({ resource, name: metadata.name, ...place, ...body }));
}

type Waiting = { readonly kube: KubeApi; readonly task: ResourceTask; readonly context: TaskContext };

/** Watch an object until its success condition holds. Throws {@link TaskError} once its failure condition does. */
async function untilSettled({ kube, task, context }: Waiting, target: Target, object: KubeObject): Promise<KubeObject> {
  const success = parseCondition(textOf(task.resource, 'successCondition'));
  const failure = parseCondition(textOf(task.resource, 'failureCondition'));
  if (success.length === 0 && failure.length === 0) return object;
  const judge = (seen: KubeObject): KubeObject | undefined => {
    if (failure.length > 0 && meets(seen, failure))
      throw new TaskError(`failure condition '${textOf(task.resource, 'failureCondition')}' evaluated true`);
    return success.length > 0 && meets(seen, success) ? seen : undefined;
  };
  const settled = judge(object);
  if (settled) return settled;
  const { signal } = context;
  const { namespace } = target;
  const fieldSelector = `metadata.name=${object.metadata.name}`;
  for (;;) {
    const options = {
      ...(namespace === undefined ? {} : { namespace }),
      fieldSelector,
      sendInitialEvents: true,
      signal,
    };
    for await (const event of kube.watch(target.resource, options)) {
      if (event.type === 'DELETED')
        throw new TaskError(
          `${target.resource.plural}/${object.metadata.name} was deleted while its status was looked at`,
        );
      const found = event.type === 'BOOKMARK' ? undefined : judge(event.object);
      if (found) return found;
    }
    signal.throwIfAborted();
  }
}
