import type { KubeObject } from '@sluice/model';
import { StatusError } from '../http/status-error.ts';
import { groupVersionOf, type KindInfo } from '../kinds/kind.ts';
import { rememberConverted, isConverted } from '../objects/conversion.ts';
import { deepFreeze, isRecord, listAt, textAt, withMetadata } from '../objects/json.ts';
import type { WebhookCall } from './webhook-call.ts';

const timeoutMs = 30_000;
/** Objects of a list are sent in parts of this many. */
const batch = 500;

/** Converts objects of custom kinds whose definition names a webhook, before anything shows them in another version. */
export class Conversions {
  readonly #call: WebhookCall;
  readonly #newId: () => string;

  constructor(call: WebhookCall, newId: () => string) {
    this.#call = call;
    this.#newId = newId;
  }

  /** Resolves once all objects can be had in the version of the kind. Throws 500 when the webhook fails. */
  async ready(objects: readonly KubeObject[], kind: KindInfo): Promise<void> {
    if (!kind.conversion) return;
    const missing = objects.filter((object) => !isConverted(object, kind));
    for (const [from, group] of Map.groupBy(missing, ({ apiVersion }) => apiVersion)) {
      for (let at = 0; at < group.length; at += batch) await this.#convert(group.slice(at, at + batch), kind, from);
    }
  }

  async #convert(objects: readonly KubeObject[], kind: KindInfo, from: string): Promise<void> {
    const { conversion } = kind;
    if (!conversion) return;
    const version = ['v1', 'v1beta1'].find((known) => conversion.reviewVersions.includes(known)) ?? 'v1';
    const uid = this.#newId();
    const desiredAPIVersion = groupVersionOf(kind);
    const request = { uid, desiredAPIVersion, objects };
    const review = { kind: 'ConversionReview', apiVersion: `apiextensions.k8s.io/${version}`, request };
    try {
      const answer = await this.#call(conversion.client, review, timeoutMs);
      const made = convertedObjects(answer, uid, objects.length);
      for (const [index, original] of objects.entries()) {
        rememberConverted(original, kind, checked(original, made[index], kind));
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const what = `conversion webhook for ${from}, Kind=${kind.kind} failed: ${why}`;
      throw new StatusError(500, 'InternalError', `Internal error occurred: ${what}`);
    }
  }
}

function convertedObjects(answer: unknown, uid: string, count: number): readonly unknown[] {
  if (textAt(answer, 'response', 'uid') !== uid) throw new Error('the answer has not the uid of the request');
  if (textAt(answer, 'response', 'result', 'status') !== 'Success') {
    throw new Error(textAt(answer, 'response', 'result', 'message') || 'the answer is no success and gives no message');
  }
  const made = listAt(answer, 'response', 'convertedObjects');
  if (made.length !== count) throw new Error(`the answer has ${made.length} objects, not ${count}`);
  return made;
}

/** A webhook may change labels and annotations; the rest of the metadata stays. */
function checked(original: KubeObject, made: unknown, kind: KindInfo): KubeObject {
  const wanted = groupVersionOf(kind);
  if (!isRecord(made) || made['apiVersion'] !== wanted || made['kind'] !== kind.kind || !isRecord(made['metadata']))
    throw new Error(`an object of the answer is no ${wanted} ${kind.kind}`);
  const { name, namespace, uid } = original.metadata;
  for (const [field, value] of Object.entries({ name, namespace, uid })) {
    if ((made['metadata'][field] ?? '') !== (value ?? '')) throw new Error(`metadata.${field} must not be changed`);
  }
  const { labels, annotations } = made['metadata'];
  const metadata = withMetadata(original, { labels, annotations }).metadata;
  return deepFreeze({ ...made, metadata } as unknown as KubeObject);
}
