import { createHmac, randomUUID } from 'node:crypto';
import type { ApiDescription } from './description.ts';
import type { Representations } from './representations.ts';
import type { StandInPull, StandInRepository, StandInState } from './state.ts';

/** A webhook that was sent, and the answer. */
export type SentWebhook = {
  readonly event: string;
  readonly delivery: string;
  readonly body: string;
  readonly status: number;
  readonly answer: string;
};

/** What people do at GitHub, and the webhooks that follow. */
export type Scenario = {
  addRepository(repository: {
    readonly fullName: string;
    readonly defaultBranch?: string;
    readonly cloneUrl?: string;
    readonly webhook?: { readonly url: string; readonly secret: string };
  }): StandInRepository;
  /** Move a ref and send `push`. `after` undefined deletes it. */
  push(
    fullName: string,
    push: { readonly ref: string; readonly after: string | undefined; readonly message?: string },
  ): Promise<SentWebhook | undefined>;
  /** Open a pull request, or move the head of an open one, and send `pull_request`. */
  pushPull(
    fullName: string,
    pull: { readonly number: number; readonly headSha: string; readonly baseRef: string; readonly fork?: boolean },
  ): Promise<SentWebhook | undefined>;
  closePull(fullName: string, number: number, merged: boolean): Promise<SentWebhook | undefined>;
  /** Write under a pull request and send `issue_comment`. */
  comment(
    fullName: string,
    comment: {
      readonly number: number;
      readonly body: string;
      readonly user: { readonly id: number; readonly login: string };
    },
  ): Promise<SentWebhook | undefined>;
  /** Press "Re-run", or one of the buttons of a check run, and send `check_run`. */
  press(
    fullName: string,
    press: {
      readonly checkRun: number;
      readonly button?: string;
      readonly user: { readonly id: number; readonly login: string };
    },
  ): Promise<SentWebhook | undefined>;
  /** Send a webhook again as it was, or with changes. */
  redeliver(
    fullName: string,
    sent: SentWebhook,
    changes?: { readonly signature?: string; readonly delivery?: string },
  ): Promise<SentWebhook>;
};

type Parts = {
  readonly state: StandInState;
  readonly show: Representations;
  readonly description: ApiDescription;
  readonly violations: string[];
};

const noCommit = '0'.repeat(40);
const timeoutMs = 10_000;
const forkId = 777;

/** The scenario functions of a stand-in. */
export function createScenario(parts: Parts): Scenario {
  const { state } = parts;
  const repositoryOf = (fullName: string): StandInRepository => {
    const repository = state.repositories.get(fullName.toLowerCase());
    if (!repository) throw new Error(`the stand-in has no repository ${fullName}`);
    return repository;
  };
  return {
    addRepository({ fullName, defaultBranch = 'main', cloneUrl = `https://github.test/${fullName}.git`, webhook }) {
      const repository: StandInRepository = {
        id: state.nextId++,
        fullName,
        defaultBranch,
        cloneUrl,
        webhook,
        refs: new Map(),
        tagObjects: new Map(),
        commits: new Set(),
        pulls: new Map(),
        checkRuns: new Map(),
        statuses: [],
        deployments: new Map(),
        collaborators: new Map(),
      };
      state.repositories.set(fullName.toLowerCase(), repository);
      return repository;
    },
    push(fullName, { ref, after, message = 'a commit' }) {
      const repository = repositoryOf(fullName);
      const before = repository.refs.get(ref) ?? noCommit;
      if (after === undefined) repository.refs.delete(ref);
      else {
        repository.refs.set(ref, after);
        repository.commits.add(after);
      }
      return send(parts, repository, 'push', pushPayload(parts, repository, { ref, before, after, message }));
    },
    pushPull(fullName, { number, headSha, baseRef, fork = false }) {
      const repository = repositoryOf(fullName);
      const known = repository.pulls.get(number);
      const before = known?.headSha;
      const pull: StandInPull = known ?? newPull(repository, { number, headSha, baseRef, fork });
      pull.headSha = headSha;
      repository.commits.add(headSha);
      repository.pulls.set(number, pull);
      const action = before === undefined ? { action: 'opened' } : { action: 'synchronize', before, after: headSha };
      return send(parts, repository, 'pull_request', pullPayload(parts, repository, pull, action));
    },
    closePull(fullName, number, merged) {
      const repository = repositoryOf(fullName);
      const pull = repository.pulls.get(number);
      if (!pull) throw new Error(`the stand-in has no pull request #${number}`);
      Object.assign(pull, { state: 'closed', merged });
      return send(parts, repository, 'pull_request', pullPayload(parts, repository, pull, { action: 'closed' }));
    },
    comment(fullName, comment) {
      const repository = repositoryOf(fullName);
      return send(parts, repository, 'issue_comment', commentPayload(parts, repository, comment));
    },
    press(fullName, { checkRun, button, user }) {
      const repository = repositoryOf(fullName);
      const run = repository.checkRuns.get(checkRun);
      if (!run) throw new Error(`the stand-in has no check run ${checkRun}`);
      if (button !== undefined && !run.actions.some(({ identifier }) => identifier === button)) {
        throw new Error(`check run ${run.name} has no button ${button}`);
      }
      const { show, description } = parts;
      const action = button === undefined ? 'rerequested' : 'requested_action';
      const base = description.build(`webhook-check-run-${action.replaceAll('_', '-')}`, {
        action,
        sender: show.user(user.id, user.login),
      });
      const payload = {
        ...base,
        ...(button === undefined ? {} : { requested_action: { identifier: button } }),
        check_run: overlay(base['check_run'] as Json, {
          id: run.id,
          head_sha: run.headSha,
          name: run.name,
          external_id: run.externalId,
        }),
        repository: show.repository('repository-webhooks', repository),
      };
      return send(parts, repository, 'check_run', payload);
    },
    redeliver: (fullName, sent, changes = {}) => post(state, repositoryOf(fullName), { ...sent, ...changes }),
  };
}

function newPull(
  repository: StandInRepository,
  { number, headSha, baseRef, fork }: { number: number; headSha: string; baseRef: string; fork: boolean },
): StandInPull {
  return {
    number,
    title: `pull request ${number}`,
    state: 'open',
    merged: false,
    draft: false,
    headRef: `topic-${number}`,
    headSha,
    baseRef,
    baseSha: repository.refs.get(`refs/heads/${baseRef}`) ?? noCommit,
    headRepositoryId: fork ? forkId : repository.id,
  };
}

function pushPayload(
  { show, description }: Parts,
  repository: StandInRepository,
  { ref, before, after, message }: { ref: string; before: string; after: string | undefined; message: string },
): Record<string, unknown> {
  const base = description.build('webhook-push', {
    ref,
    before,
    after: after ?? noCommit,
    created: before === noCommit,
    deleted: after === undefined,
    sender: show.user(),
  });
  const author = { name: 'Octo Cat', email: 'octocat@github.test', username: 'octocat' };
  const head = after && {
    id: after,
    tree_id: after,
    distinct: true,
    message,
    timestamp: '2026-01-01T00:00:00Z',
    url: `https://github.test/${repository.fullName}/commit/${after}`,
    author,
    committer: author,
    added: [],
    removed: [],
    modified: [],
  };
  return {
    ...base,
    head_commit: head ?? null,
    commits: head ? [head] : [],
    repository: { ...(base['repository'] as object), ...show.repositoryFields(repository) },
    pusher: { name: 'octocat', email: 'octocat@github.test' },
  };
}

function pullPayload(
  { show, description }: Parts,
  repository: StandInRepository,
  pull: StandInPull,
  action: { readonly action: string },
): Record<string, unknown> {
  const schema = `webhook-pull-request-${action.action}`;
  const base = description.build(schema, { ...action, number: pull.number, sender: show.user() });
  const full = show.pull('pull-request-webhook', 'repository', repository, pull);
  return {
    ...base,
    pull_request: overlay(base['pull_request'] as Json, full),
    repository: show.repository('repository-webhooks', repository),
  };
}

function commentPayload(
  { state, show, description }: Parts,
  repository: StandInRepository,
  { number, body, user }: Parameters<Scenario['comment']>[1],
): Json {
  const sender = show.user(user.id, user.login);
  const base = description.build('webhook-issue-comment-created', { action: 'created', sender });
  const url = `https://github.test/${repository.fullName}/pull/${number}`;
  const links = { url, html_url: url, diff_url: url, patch_url: url };
  return {
    ...base,
    issue: overlay(base['issue'] as Json, { number, pull_request: links, user: sender }),
    comment: overlay(base['comment'] as Json, { id: state.nextId++, body, user: sender }),
    repository: show.repository('repository-webhooks', repository),
  };
}

type Json = Record<string, unknown>;

/** `full` over the smallest value of another schema for the same thing, in depth; null does not replace what is there. */
function overlay(smallest: Json, full: Json): Json {
  const merged: Json = { ...smallest };
  for (const [key, value] of Object.entries(full)) {
    const below = smallest[key];
    if (isObject(below) && isObject(value)) merged[key] = overlay(below, value);
    else if (value !== null || below === undefined || key === 'repo') merged[key] = value;
  }
  return merged;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function send(
  { state, description, violations }: Parts,
  repository: StandInRepository,
  event: string,
  payload: Record<string, unknown>,
): Promise<SentWebhook | undefined> {
  const action = typeof payload['action'] === 'string' ? `-${payload['action']}` : '';
  violations.push(...description.checkWebhook(`webhook-${event}${action}`.replaceAll('_', '-'), payload));
  if (!repository.webhook) return undefined;
  return post(state, repository, { event, delivery: randomUUID(), body: JSON.stringify(payload) });
}

async function post(
  state: StandInState,
  repository: StandInRepository,
  { event, delivery, body, signature }: { event: string; delivery: string; body: string; signature?: string },
): Promise<SentWebhook> {
  const { webhook } = repository;
  if (!webhook) throw new Error('this repository of the stand-in has no webhook');
  const record = (statusCode: number): void => {
    const redelivery = state.deliveries.some(({ guid }) => guid === delivery);
    const deliveredAt = new Date(Date.UTC(2026, 0, 1) + state.deliveries.length * 1_000).toISOString();
    const facts = { id: state.nextId++, guid: delivery, event, body, repositoryId: repository.id };
    state.deliveries.push({ ...facts, deliveredAt, redelivery, statusCode });
  };
  if (state.losing) {
    record(502);
    return { event, delivery, body, status: 502, answer: '' };
  }
  const hmac = createHmac('sha256', webhook.secret).update(body).digest('hex');
  const response = await fetch(webhook.url, {
    method: 'POST',
    body,
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/stand-in',
      'x-github-event': event,
      'x-github-delivery': delivery,
      'x-hub-signature-256': signature ?? `sha256=${hmac}`,
    },
  });
  record(response.status);
  return { event, delivery, body, status: response.status, answer: await response.text() };
}
