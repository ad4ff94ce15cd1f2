import type { JsonObject, KubeObject, ObjectKey, Resource } from '@sluice/model';
import type { TaskContext } from '@sluice/node-agent';
import { isKubeError, type JsonPatchOperation, type KubeApi, type Patch } from '@sluice/reconcile';
import type { ResourceFlags } from './resource-flags.ts';
import { TaskError } from './task-error.ts';

/** One object that is acted on. */
export type Target = {
  readonly resource: Resource;
  /** Absent where the API makes up a name. */
  readonly name?: string;
  readonly namespace?: string;
  /** The manifest, or the patch. */
  readonly body?: unknown;
};

export type Acting = {
  readonly kube: KubeApi;
  readonly action: string;
  readonly flags: ResourceFlags;
  readonly context: TaskContext;
};

const defaultManager = 'argo-workflows';
const maxConflicts = 5;

/** Do the action; gives the object as it is then, nothing for a deletion. */
export async function actOn(acting: Acting, target: Target, template: JsonObject): Promise<KubeObject | undefined> {
  const { kube, action, context } = acting;
  const { signal } = context;
  const fieldManager = acting.flags.fieldManager ?? defaultManager;
  const { resource } = target;
  switch (action) {
    case 'create':
      return kube.create(resource, placed(target), { fieldManager, signal });
    case 'apply':
      return kube.apply(resource, placed(target), { fieldManager, signal });
    case 'replace':
      return replace(acting, target, fieldManager);
    case 'get':
      return required(acting, target);
    case 'patch':
      return kube.patch(resource, keyOf(target), patchOf(target, template), { fieldManager, signal });
    case 'delete':
      await remove(acting, target);
      return undefined;
    default:
      throw new TaskError(
        `resource.action ${JSON.stringify(action)} must be one of get, create, apply, delete, replace, patch`,
      );
  }
}

function keyOf({ name, namespace, resource }: Target): ObjectKey {
  if (name === undefined) throw new TaskError(`resource.manifest: metadata.name of the ${resource.kind} is missing`);
  return namespace === undefined ? { name } : { namespace, name };
}

function placed({ body, namespace }: Target): KubeObject {
  const object = body as KubeObject | undefined;
  if (!object) throw new TaskError('resource.manifest is missing');
  return namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
}

async function required({ kube, flags, context }: Acting, target: Target): Promise<KubeObject | undefined> {
  const key = keyOf(target);
  const found = await kube.get(target.resource, key, context.signal);
  if (!found && !flags.ignoreNotFound) throw new TaskError(`${target.resource.plural} "${key.name}" not found`);
  return found;
}

/** Replace whatever version is there, as kubectl does for a manifest without one. */
async function replace(acting: Acting, target: Target, fieldManager: string): Promise<KubeObject> {
  const { kube, context } = acting;
  for (let attempt = 1; ; attempt++) {
    const found = await required(acting, target);
    const object = placed(target);
    const resourceVersion = object.metadata.resourceVersion ?? found?.metadata.resourceVersion;
    const metadata = { ...object.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    try {
      return await kube.replace(target.resource, { ...object, metadata }, { fieldManager, signal: context.signal });
    } catch (error) {
      if (!isKubeError(error, 'Conflict') || attempt === maxConflicts) throw error;
    }
  }
}

function patchOf({ body }: Target, template: JsonObject): Patch {
  const strategy = String((template['mergeStrategy'] as string | undefined) ?? 'strategic');
  switch (strategy) {
    case 'json':
      if (!Array.isArray(body))
        throw new TaskError('resource.manifest: a patch of strategy json is a list of operations');
      return { type: 'json', body: body as readonly JsonPatchOperation[] };
    case 'merge':
      return { type: 'merge', body };
    case 'strategic':
    case '':
      return { type: 'strategic', body };
    default:
      throw new TaskError(`resource.mergeStrategy ${JSON.stringify(strategy)} must be strategic, merge or json`);
  }
}

async function remove({ kube, flags, context }: Acting, target: Target): Promise<void> {
  const key = keyOf(target);
  const { signal } = context;
  const { resource } = target;
  const found = await kube.get(resource, key, signal);
  if (!found) {
    if (flags.ignoreNotFound) return;
    throw new TaskError(`${resource.plural} "${key.name}" not found`);
  }
  await kube.delete(resource, key, {
    propagationPolicy: flags.propagation ?? 'Background',
    ...(flags.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: flags.gracePeriodSeconds }),
    signal,
  });
  if (flags.wait) await untilGone({ kube, signal }, target, found.metadata.uid);
}

async function untilGone(
  { kube, signal }: { readonly kube: KubeApi; readonly signal: AbortSignal },
  { resource, name = '', namespace }: Target,
  uid: string | undefined,
): Promise<void> {
  const place = namespace === undefined ? {} : { namespace };
  const still = async (): Promise<boolean> =>
    (await kube.get(resource, { ...place, name }, signal))?.metadata.uid === uid;
  while (await still()) {
    const options = { ...place, fieldSelector: `metadata.name=${name}`, sendInitialEvents: true, signal };
    for await (const event of kube.watch(resource, options)) {
      if (event.type === 'DELETED') return;
      if (event.type === 'BOOKMARK' && event.initialEventsEnd && !(await still())) return;
    }
    signal.throwIfAborted();
  }
}
