import { createHash, timingSafeEqual } from 'node:crypto';
import type { ForgeType } from '@sluice/model';
import type { HttpRequest } from '@sluice/runtime';
import type { BodyProof } from './signed-body.ts';

type Headers = HttpRequest['headers'];

/** The event and the forge's id of a delivery; neither is signed. */
export type HookNames = { readonly event: string; readonly delivery: string };

/** How a forge signs and names its webhooks. */
export type HookDialect = {
  /** What proves that the body is the forge's; a text says why nothing can. Costs no reading of the body. */
  proof(headers: Headers, secrets: readonly string[], nowMs: number): BodyProof | string;
  /** Undefined when a header is missing or not of its form. */
  names(headers: Headers): HookNames | undefined;
  /** What the names are read from, for people. */
  readonly nameHeaders: string;
  /**
   * After a 4xx the forge sends nothing more until a person turns the webhook on again: what is wrong with one delivery
   * that is truly the forge's must not end all others.
   */
  readonly forgiving: boolean;
};

const word = /^[A-Za-z0-9_.:-]{1,128}$/;

/** The dialect of a forge. It goes by the Repository, never by the headers. */
export function dialectOf(forge: ForgeType): HookDialect {
  switch (forge) {
    case 'github':
    case 'local':
      return github;
    case 'gitea':
      return gitea;
    case 'gitlab':
      return gitlab;
    case 'bitbucket':
      return bitbucket;
    default:
      return forge satisfies never;
  }
}

const github: HookDialect = {
  forgiving: false,
  nameHeaders: 'x-github-event and x-github-delivery',
  proof(headers, secrets) {
    // Gitea sends GitHub's headers too; its webhook belongs to a Repository of its own kind.
    if (headers['x-gitea-event'] !== undefined) return 'comes from Gitea, and the Repository says github';
    return hexProof(headers, 'x-hub-signature-256', /^sha256=([0-9a-f]{64})$/i, secrets);
  },
  names: (headers) => namesOf(headers['x-github-event'], headers['x-github-delivery']),
};

const gitea: HookDialect = {
  forgiving: false,
  nameHeaders: 'x-gitea-event and x-gitea-delivery',
  proof: (headers, secrets) => hexProof(headers, 'x-gitea-signature', /^([0-9a-f]{64})$/i, secrets),
  names: (headers) => namesOf(headers['x-gitea-event'], headers['x-gitea-delivery']),
};

const bitbucket: HookDialect = {
  forgiving: false,
  nameHeaders: 'x-event-key and x-request-uuid',
  proof: (headers, secrets) => hexProof(headers, 'x-hub-signature', /^sha256=([0-9a-f]{64})$/i, secrets),
  names: (headers) => namesOf(headers['x-event-key'], headers['x-request-uuid'] ?? headers['x-request-id']),
};

const gitlab: HookDialect = {
  forgiving: true,
  nameHeaders: 'x-gitlab-event and x-gitlab-event-uuid',
  proof: (headers, secrets, nowMs) =>
    headers['webhook-signature'] === undefined ? tokenProof(headers, secrets) : standardProof(headers, secrets, nowMs),
  names(headers) {
    const event = headers['x-gitlab-event'] ?? '';
    // The idempotency key is the same for every attempt of one delivery.
    const delivery = headers['idempotency-key'] ?? headers['webhook-id'] ?? headers['x-gitlab-event-uuid'];
    return /^[A-Za-z][A-Za-z ]{0,63}$/.test(event) && delivery !== undefined && word.test(delivery)
      ? { event, delivery }
      : undefined;
  },
};

function namesOf(event: string | undefined, delivery: string | undefined): HookNames | undefined {
  if (event === undefined || delivery === undefined || !word.test(event) || !word.test(delivery)) return undefined;
  return { event, delivery };
}

function hexProof(headers: Headers, header: string, form: RegExp, secrets: readonly string[]): BodyProof | string {
  const hex = form.exec(headers[header] ?? '')?.[1];
  if (hex === undefined)
    return `${header} is missing or not of the form ${header === 'x-gitea-signature' ? '' : 'sha256='}<64 hex digits>`;
  return { kind: 'hmac', keys: secrets, prefix: '', signatures: [Buffer.from(hex, 'hex')] };
}

/** GitLab's plain shared secret. Hashed first, so that neither length nor content tells anything by time. */
function tokenProof(headers: Headers, secrets: readonly string[]): BodyProof | string {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const given = digest(headers['x-gitlab-token'] ?? '');
  let known = false;
  for (const secret of secrets) known = timingSafeEqual(digest(secret), given) || known;
  return known ? { kind: 'proven' } : 'x-gitlab-token is missing or not the secret of this webhook';
}

const longestSkewMs = 300_000;

/** Standard Webhooks: `v1,<base64>` of id, time and body, with a key `whsec_<base64>`. */
function standardProof(headers: Headers, secrets: readonly string[], nowMs: number): BodyProof | string {
  const [id, time] = [headers['webhook-id'] ?? '', headers['webhook-timestamp'] ?? ''];
  if (!word.test(id) || !/^[0-9]{1,12}$/.test(time)) return 'webhook-id or webhook-timestamp is missing';
  if (Math.abs(Number(time) * 1_000 - nowMs) > longestSkewMs) return 'webhook-timestamp is more than five minutes off';
  const signatures = (headers['webhook-signature'] ?? '')
    .split(' ', 8)
    .flatMap((part) => /^v1,([A-Za-z0-9+/]{43}=)$/.exec(part)?.[1] ?? [])
    .map((text) => Buffer.from(text, 'base64'));
  if (signatures.length === 0) return 'webhook-signature is not of the form v1,<base64>';
  const keys = secrets.map((secret) => (secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret));
  return { kind: 'hmac', keys, prefix: `${id}.${time}.`, signatures };
}
