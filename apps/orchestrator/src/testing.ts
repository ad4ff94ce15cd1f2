import type { DeliveryJob } from '@sluice/events';
import {
  apiVersionOf,
  keys,
  resources,
  TerminalError,
  type CheckReport,
  type DeploymentReport,
  type Environment,
  type KubeObject,
  type ObjectKey,
  type Repository,
} from '@sluice/model';
import { FakeKube } from '@sluice/reconcile/testing';
import { silentLog, type Running } from '@sluice/runtime';
import { vi } from 'vitest';
import { orchestratorDefaults, type OrchestratorConfig } from './config.ts';
import type { Permission } from '@sluice/trigger';
import type { Forge, ForgeActor, Head, MissedDelivery, Mirror, OrchestratorPorts } from './ports.ts';
import { start } from './start.ts';

/** A commit id that begins with a letter: `sha('a')`. */
export const sha = (char: string): string => char.repeat(40);
export const namespace = 'default';

/** A forge in memory: keeps reports by their identity and can be told to fail. */
export class FakeForge implements Forge {
  readonly checks = new Map<string, CheckReport>();
  readonly deployments = new Map<string, DeploymentReport>();
  /** Every write, in order: what a rate limit would count. */
  readonly writes: string[] = [];
  listed = 0;
  failures = 0;
  /** How long it takes to take a check. */
  latencyMs = 0;
  heads: Head[] = [];
  /** Webhooks that were lost, told once. */
  missed: MissedDelivery[] = [];
  /** What somebody may do, by numeric id; who is not here has no permission. */
  readonly permissions = new Map<string, Permission>();
  /** Ids that were asked about, in order. */
  readonly askedAbout: string[] = [];

  async upsertCheck(check: CheckReport): Promise<void> {
    if (this.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
    this.#enter();
    this.writes.push(`${check.name} ${check.conclusion ?? check.status}`);
    this.checks.set(`${check.sha}/${check.externalId}`, check);
  }
  async upsertDeployment(deployment: DeploymentReport): Promise<void> {
    this.#enter();
    this.writes.push(`${deployment.environment}: ${deployment.state}`);
    this.deployments.set(deployment.externalId, deployment);
  }
  async listHeads(): Promise<readonly Head[]> {
    this.#enter();
    this.listed++;
    return this.heads;
  }
  async permissionOf({ id }: ForgeActor): Promise<Permission> {
    this.#enter();
    this.askedAbout.push(id);
    return this.permissions.get(id) ?? 'none';
  }
  async missedDeliveries(): Promise<readonly MissedDelivery[]> {
    return this.missed.splice(0);
  }
  /** The check of a name on a commit. */
  check(name: string, commit: string): CheckReport | undefined {
    return [...this.checks.values()].find((check) => check.name === name && check.sha === commit);
  }
  #enter(): void {
    if (this.failures-- > 0) throw new Error('the forge is down');
    this.failures = 0;
  }
}

/** Commits in memory: files by path, and a message. */
export class FakeMirror implements Mirror {
  readonly commits = new Map<string, { files: Readonly<Record<string, string>>; message: string }>();
  paths: readonly string[] | 'unknown' = 'unknown';
  fetches = 0;

  async ensureCommits(shas: readonly string[]): Promise<void> {
    this.fetches++;
    for (const commit of shas)
      if (!this.commits.has(commit)) throw new TerminalError('CommitNotFound', `no commit ${commit}`);
  }
  async readMessage(commit: string): Promise<string> {
    return this.commits.get(commit)?.message ?? '';
  }
  async readTree(commit: string, prefix: string): Promise<readonly { path: string; text: string }[]> {
    const files = Object.entries(this.commits.get(commit)?.files ?? {});
    return files.filter(([path]) => path.startsWith(prefix)).map(([path, text]) => ({ path, text }));
  }
  async changedPaths(): Promise<readonly string[] | 'unknown'> {
    return this.paths;
  }
  async listRefs(): Promise<ReadonlyMap<string, string>> {
    return new Map();
  }
  async pushCommit(): Promise<'moved'> {
    return 'moved';
  }
}

/** A pipeline that lints, packages and deploys pushes of main to staging. */
export const pipelineText = `apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on: { push: { branches: [main] }, pullRequest: {} }
  steps:
    - { name: unit, run: npm test }
    - { name: image, needs: [unit], package: { image: { name: web, include: [server.mjs] } } }
    - { name: chart, package: { chart: { path: chart } } }
  deploy:
    - { environment: staging, chart: chart, images: [image] }
`;

type Handler = Parameters<OrchestratorPorts['deliveries']['work']>[0];

/** A running orchestrator over fakes, under fake timers. */
export class Harness {
  readonly kube = new FakeKube();
  readonly forge = new FakeForge();
  readonly mirror = new FakeMirror();
  /** Tokens that the forge was opened with. */
  readonly tokens: string[] = [];
  #handler: Handler | undefined;
  #running: Running | undefined;
  readonly #config: Partial<OrchestratorConfig>;

  constructor(config: Partial<OrchestratorConfig> = {}) {
    this.#config = config;
    this.kube.put(resources.repositories, makeRepository());
    this.commit(sha('a'), { '.sluice/ci.yaml': pipelineText });
  }

  commit(
    id: string,
    files: Readonly<Record<string, string>> = { '.sluice/ci.yaml': pipelineText },
    message = 'change',
  ): void {
    this.mirror.commits.set(id, { files, message });
  }

  /** Start, and let what is due at once happen. */
  async start(): Promise<void> {
    const ports: OrchestratorPorts = {
      kube: this.kube,
      deliveries: {
        add: (job, { id }) => this.#add(job, id),
        work: (handler) => {
          this.#handler = handler;
          return { close: async () => void (this.#handler = undefined) };
        },
      },
      forges: (_repository, { token }) => {
        if (token) this.tokens.push(token.reveal());
        return this.forge;
      },
      mirrors: () => this.mirror,
      log: silentLog,
      now: Date.now,
    };
    const config = { ...orchestratorDefaults, registry: '127.0.0.1:7050', registryInsecure: true, ...this.#config };
    this.#running = await start(config, ports);
    await this.settle();
  }

  /** Jobs that the orchestrator itself put into the queue, by id. */
  readonly added = new Map<string, DeliveryJob>();

  async #add(job: DeliveryJob, id: string): Promise<'added' | 'duplicate'> {
    if (this.added.has(id)) return 'duplicate';
    this.added.set(id, job);
    void Promise.resolve().then(() => this.deliver(job));
    return 'added';
  }

  async stop(): Promise<void> {
    const closed = this.#running?.close();
    this.#running = undefined;
    await vi.advanceTimersByTimeAsync(20_000);
    await closed;
  }

  /** Let time pass and everything due happen. */
  async settle(ms = 0): Promise<void> {
    for (let i = 0; i < 20; i++) await vi.advanceTimersByTimeAsync(0);
    await vi.advanceTimersByTimeAsync(ms);
  }

  /** Run a delivery as the queue would: again until it passes, at most `attempts` times. */
  async deliver(job: DeliveryJob, attempts = 5): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#handler?.(job, { signal: new AbortController().signal });
        return await this.settle();
      } catch (error) {
        if (attempt >= attempts || error instanceof TerminalError) throw error;
      }
    }
  }

  /** Move a ref at the forge and deliver the push. */
  async push(after: string, options: { ref?: string; before?: string } = {}): Promise<void> {
    const ref = options.ref ?? 'refs/heads/main';
    this.moveRef(ref, after);
    await this.deliver(pushJob(after, options));
  }

  moveRef(ref: string, to: string): void {
    this.forge.heads = [...this.forge.heads.filter((head) => head.ref !== ref), { ref, sha: to }];
  }

  workflows(): readonly KubeObject[] {
    return this.kube.objects(resources.workflows);
  }

  /** The Workflow of a commit; throws unless there is exactly one. */
  workflow(commit: string): KubeObject {
    const found = this.workflows().filter(({ metadata }) => metadata.labels?.[keys.sha] === commit);
    if (found.length !== 1 || !found[0]) throw new Error(`${found.length} workflows of ${commit}`);
    return found[0];
  }

  repository(): Repository {
    return this.kube.object<Repository>(resources.repositories, { namespace, name: 'hello' });
  }

  /** What the workflow controller would write. */
  async setStatus(commit: string, status: object): Promise<void> {
    const { name } = this.workflow(commit).metadata;
    await this.kube.patch(resources.workflows, { namespace, name }, { type: 'merge', body: { status } });
    await this.settle();
  }

  /** A run that succeeded with these digests. */
  async succeed(commit: string, digest = '1'): Promise<void> {
    const value = `sha256:${digest.repeat(64)}`;
    const parameters = [
      { name: 'image-digest', value },
      { name: 'chart-digest', value },
    ];
    await this.setStatus(commit, { phase: 'Succeeded', finishedAt: '2026-11-23T10:01:00Z', outputs: { parameters } });
  }

  async createEnvironment(name = 'staging'): Promise<void> {
    const environment: Environment = {
      apiVersion: apiVersionOf(resources.environments),
      kind: 'Environment',
      metadata: { name, namespace },
      spec: { namespace: `hello-${name}`, mode: 'direct' },
    };
    await this.kube.create(resources.environments, environment);
    await this.settle();
  }
}

export function makeRepository(changes: Partial<Repository['spec'] & object> = {}): Repository {
  return {
    apiVersion: apiVersionOf(resources.repositories),
    kind: 'Repository',
    metadata: { name: 'hello', namespace },
    spec: {
      forge: { type: 'local', apiUrl: 'http://127.0.0.1:7080', repository: 'hello' },
      url: 'http://127.0.0.1:7080/hello.git',
      defaultBranch: 'main',
      webhook: { route: 'r', secretRef: { name: 'hello-webhook' } },
      ...changes,
    },
  };
}

/** A webhook as the receiver puts it into the queue. */
export function makeJob(
  event: string,
  payload: unknown,
  repository: ObjectKey = { namespace, name: 'hello' },
): DeliveryJob {
  const body = Buffer.from(JSON.stringify(payload)).toString('base64');
  const key = { namespace: repository.namespace ?? namespace, name: repository.name };
  return { route: 'r', repository: key, event, delivery: 'd-1', body, receivedAt: '2026-11-23T10:00:00Z' };
}

const forgeRepository = { id: 7, full_name: 'sluice/hello' };

export function pushJob(after: string, { ref = 'refs/heads/main', before = '0'.repeat(40) } = {}): DeliveryJob {
  return makeJob('push', {
    ref,
    before,
    after,
    forced: false,
    repository: forgeRepository,
    head_commit: { message: 'change' },
  });
}

export function pullRequestJob(
  head: string,
  base: string,
  { fork = false, branch = 'topic', action = 'opened', draft = false } = {},
): DeliveryJob {
  const pull = {
    draft,
    title: 't',
    user: contributor,
    head: { sha: head, ref: branch, repo: { id: fork ? 8 : 7 } },
    base: { sha: base, ref: 'main' },
  };
  return makeJob('pull_request', { action, number: 3, pull_request: pull, repository: forgeRepository });
}

/** Who opened the pull request, and somebody with write access. */
export const contributor = { id: 900, login: 'contributor', type: 'User' };
export const maintainer = { id: 42, login: 'maintainer', type: 'User' };

let comments = 0;

/** A comment under pull request 3. */
export function commentJob(body: string, user = maintainer): DeliveryJob {
  const id = ++comments;
  const job = makeJob('issue_comment', {
    action: 'created',
    issue: { number: 3, pull_request: {} },
    comment: { id, body, user },
    sender: user,
    repository: forgeRepository,
  });
  return { ...job, delivery: `comment-${id}` };
}

/** A button of the check with this external id; `rerun` is the forge's own. */
export function buttonJob(commit: string, check: string, button: string, user = maintainer): DeliveryJob {
  const asked =
    button === 'rerun'
      ? { action: 'rerequested' }
      : { action: 'requested_action', requested_action: { identifier: button } };
  const job = makeJob('check_run', {
    ...asked,
    check_run: { head_sha: commit, external_id: check },
    sender: user,
    repository: forgeRepository,
  });
  return { ...job, delivery: `press-${++comments}` };
}
