import { randomUUID } from 'node:crypto';
import { CelCompileError, CelCostError, CelError, celFromJson, celMeter, celTypes, compileCel } from '@sluice/expr';
import type { Json, KubeObject } from '@sluice/model';
import { badRequest, StatusError } from '../http/status-error.ts';
import type { KindInfo } from '../kinds/kind.ts';
import { convert } from '../objects/conversion.ts';
import { equalJson, isRecord, type JsonRecord, listAt, recordAt, textAt, valueAt } from '../objects/json.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import { PatchError } from '../patch/patch-error.ts';
import type { User } from '../rest/api.ts';
import {
  type AdmissionHook,
  type Admitted,
  configurations,
  hooksFor,
  kindReference,
  resourceReference,
  versionFor,
} from './admission-hook.ts';
import type { Conversions } from './conversions.ts';
import type { WebhookCall } from './webhook-call.ts';

/** Who does it and how. */
export type AdmissionContext = {
  readonly user: User;
  readonly dryRun: boolean;
  readonly options: JsonRecord;
  /** Takes what a webhook wants the client to be told. */
  readonly warn: (text: string) => void;
};

/** What one condition may cost, in the units of CEL. */
const conditionBudget = 1_000_000;
/** A mutating webhook is asked again after others changed the object, once. */
const mutatingRounds = 2;

/** Asks the webhooks of the stored configurations before anything is written. */
export class Admission {
  readonly #objects: ObjectStore;
  readonly #call: WebhookCall;
  readonly #conversions: Conversions;

  constructor(objects: ObjectStore, call: WebhookCall, conversions: Conversions) {
    this.#objects = objects;
    this.#call = call;
    this.#conversions = conversions;
  }

  /** Whether there are any webhooks. */
  hasHooks(): boolean {
    return Object.values(configurations).some((id) => this.#objects.collection(id).size > 0);
  }

  /** The object as the mutating webhooks want it. Throws what they refuse with. */
  async mutate(asked: Admitted, context: AdmissionContext): Promise<KubeObject | undefined> {
    let { object } = asked;
    const hooks = hooksFor(this.#objects, 'mutating', asked);
    for (let round = 0; round < mutatingRounds; round++) {
      const before = object;
      for (const hook of hooks) {
        if (round > 0 && !hook.isReinvoked) continue;
        object = await this.#mutateBy(hook, { ...asked, ...(object ? { object } : {}) }, context);
      }
      if (equalJson(before, object)) break;
    }
    return object;
  }

  async #mutateBy(hook: AdmissionHook, asked: Admitted, context: AdmissionContext): Promise<KubeObject | undefined> {
    const response = await this.#ask(hook, asked, context);
    const patch = textAt(response, 'patch');
    if (!asked.object || patch === '') return asked.object;
    const version = versionFor(hook, asked.kind, asked.served);
    const shown = await this.#shown(asked.object, version);
    try {
      const list = JSON.parse(Buffer.from(patch, 'base64').toString()) as Json;
      const patched = jsonPatch(shown as unknown as Json, list) as unknown as KubeObject;
      return await this.#shown(patched, asked.kind);
    } catch (error) {
      if (!(error instanceof PatchError || error instanceof SyntaxError)) throw error;
      throw failure(hook, `the patch cannot be applied: ${error.message}`);
    }
  }

  /** Throws what a validating webhook refuses with. They are asked all at once. */
  async validate(asked: Admitted, context: AdmissionContext): Promise<void> {
    const hooks = hooksFor(this.#objects, 'validating', asked);
    const outcomes = await Promise.allSettled(hooks.map((hook) => this.#ask(hook, asked, context)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #shown(object: KubeObject, kind: KindInfo): Promise<KubeObject> {
    await this.#conversions.ready([object], kind);
    return convert(object, kind);
  }

  /** The response of a webhook; undefined when it is not asked, or could not be and may be passed over. */
  async #ask(hook: AdmissionHook, asked: Admitted, context: AdmissionContext): Promise<JsonRecord | undefined> {
    const { dryRun, warn } = context;
    const uid = randomUUID();
    const request = await this.#request(hook, uid, asked, context);
    try {
      if (!isMet(hook, request)) return undefined;
      if (dryRun && hook.hasSideEffects) {
        throw badRequest(`admission webhook "${hook.name}" does not support dry run`);
      }
      const version = ['v1', 'v1beta1'].find((known) => hook.reviewVersions.includes(known)) ?? 'v1';
      const review = { kind: 'AdmissionReview', apiVersion: `admission.k8s.io/${version}`, request };
      const response = recordAt(await this.#call(hook.client, review, hook.timeoutMs), 'response');
      if (response['uid'] !== uid) throw new Error('the response has not the uid of the request');
      for (const text of listAt(response, 'warnings')) if (typeof text === 'string') warn(text);
      if (response['allowed'] !== true) throw refusal(hook, response);
      return response;
    } catch (error) {
      if (error instanceof StatusError) throw error;
      if (hook.ignoresFailure) return undefined;
      throw failure(hook, `failed to call webhook: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #request(hook: AdmissionHook, uid: string, asked: Admitted, context: AdmissionContext): Promise<JsonRecord> {
    const { kind, served, subresource, operation, namespace, name, object, old } = asked;
    const version = versionFor(hook, kind, served);
    return {
      uid,
      kind: kindReference(version),
      resource: resourceReference(version),
      ...(subresource === '' ? {} : { subResource: subresource }),
      requestKind: kindReference(kind),
      requestResource: resourceReference(kind),
      ...(subresource === '' ? {} : { requestSubResource: subresource }),
      ...(name === '' ? {} : { name }),
      ...(namespace === '' ? {} : { namespace }),
      operation,
      userInfo: context.user,
      object: object ? await this.#shown(object, version) : null,
      oldObject: old ? await this.#shown(old, version) : null,
      dryRun: context.dryRun,
      options: context.options,
    };
  }
}

/** Whether all match conditions hold. Throws for one that cannot be judged. */
function isMet({ conditions }: AdmissionHook, request: JsonRecord): boolean {
  if (conditions.length === 0) return true;
  const variables = new Map(['object', 'oldObject', 'request'].map((name) => [name, celTypes.dyn]));
  const values = {
    object: celFromJson(request['object']),
    oldObject: celFromJson(request['oldObject']),
    request: celFromJson(request),
  };
  return conditions.every(({ name, expression }) => {
    try {
      return (
        compileCel(expression, variables, { wanted: celTypes.bool }).run(values, celMeter(conditionBudget)) === true
      );
    } catch (error) {
      if (!(error instanceof CelError || error instanceof CelCompileError || error instanceof CelCostError))
        throw error;
      throw new Error(`match condition ${JSON.stringify(name)}: ${error.message}`, { cause: error });
    }
  });
}

function failure(hook: AdmissionHook, why: string): StatusError {
  return new StatusError(
    500,
    'InternalError',
    `Internal error occurred: failed calling webhook "${hook.name}": ${why}`,
  );
}

/** The answer to the client of a refused request: the webhook's own, at least a 400. */
function refusal({ name }: AdmissionHook, response: JsonRecord): StatusError {
  const status = recordAt(response, 'status');
  const code = valueAt(status, 'code');
  const message = textAt(status, 'message') || textAt(status, 'reason');
  const why = message === '' ? ' without explanation' : `: ${message}`;
  const details = status['details'];
  return new StatusError(
    typeof code === 'number' && code >= 400 && code < 600 ? code : 400,
    textAt(status, 'reason'),
    `admission webhook "${name}" denied the request${why}`,
    isRecord(details) ? details : undefined,
  );
}
