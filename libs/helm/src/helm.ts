import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '@sluice/runtime';
import { Children } from './children.ts';
import { classifyFailure, type HelmFailure } from './helm-failure.ts';
import {
  installArguments,
  rollbackArguments,
  testArguments,
  uninstallArguments,
  upgradeArguments,
  type InstallOptions,
  type ReleaseTarget,
  type RollbackOptions,
  type TestOptions,
  type UninstallOptions,
  type UpgradeOptions,
} from './helm-arguments.ts';
import { OperationQueue } from './operation-queue.ts';
import { findKustomizer, installPlugin, writeOrder, type PostRender } from './post-render.ts';
import { runProcess } from './run-process.ts';

/** `log` is the end of what helm wrote. A failure is a value: what it means for the release is in the release's records. */
export type HelmResult =
  { readonly ok: true; readonly log: string } | { readonly ok: false; readonly failure: HelmFailure };

export type HelmOptions = {
  /** The binary, see findHelm. */
  readonly binary: string;
  /** Path of a kubeconfig file. */
  readonly kubeconfig: string;
  /** For helm's own directories and the list of running processes; made when missing, readable by us alone. */
  readonly workDirectory: string;
  /** Helm processes at a time. Default 4. */
  readonly concurrency?: number;
  /** Further environment, for example for credential plugins named in the kubeconfig. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long helm may take to end after SIGTERM before SIGKILL. Default 20 s. */
  readonly graceMs?: number;
  readonly log: Log;
};

/** Runs helm, one process an operation. Operations on one release wait for each other. */
export type Helm = {
  install(options: InstallOptions, signal?: AbortSignal): Promise<HelmResult>;
  upgrade(options: UpgradeOptions, signal?: AbortSignal): Promise<HelmResult>;
  rollback(options: RollbackOptions, signal?: AbortSignal): Promise<HelmResult>;
  uninstall(options: UninstallOptions, signal?: AbortSignal): Promise<HelmResult>;
  test(options: TestOptions, signal?: AbortSignal): Promise<HelmResult>;
  /** Resolves once no helm process works on the release, also none that an earlier life of this program started. */
  settled(target: ReleaseTarget): Promise<void>;
  /** SIGTERM to every helm, wait for them; nothing new is started. */
  close(): Promise<void>;
};

/** Beyond helm's own timeout, for work that it does not count. */
const extraMs = 60_000;

/** Prepare to run helm. Releases on which a helm process of an earlier, killed life still works stay taken until it ends. */
export async function createHelm(options: HelmOptions): Promise<Helm> {
  const home = join(options.workDirectory, 'home');
  await mkdir(home, { recursive: true, mode: 0o700 });
  await installPlugin(join(home, 'plugins'));
  const children = await Children.open(join(options.workDirectory, 'children'));
  const runner = new HelmRunner(options, helmEnvironment(home, options), children);
  await runner.takeOver();
  return {
    install: (asked, signal) => runner.run(asked, installArguments(asked), { ...asked, stdin: asked.values }, signal),
    upgrade: (asked, signal) => runner.run(asked, upgradeArguments(asked), { ...asked, stdin: asked.values }, signal),
    rollback: (asked, signal) => runner.run(asked, rollbackArguments(asked), asked, signal),
    uninstall: (asked, signal) => runner.run(asked, uninstallArguments(asked), asked, signal),
    test: (asked, signal) => runner.run(asked, testArguments(asked), asked, signal),
    settled: (target) => runner.settled(target),
    close: () => runner.close(),
  };
}

/** The environment of a helm process: nothing of ours but PATH, directories of its own, no plugins. */
export function helmEnvironment(
  home: string,
  { kubeconfig, env }: Pick<HelmOptions, 'env'> & { readonly kubeconfig?: string },
): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    ...env,
    HOME: home,
    HELM_CACHE_HOME: join(home, 'cache'),
    HELM_CONFIG_HOME: join(home, 'config'),
    HELM_DATA_HOME: join(home, 'data'),
    HELM_PLUGINS: join(home, 'plugins'),
    HELM_DRIVER: 'secret',
    HELM_NAMESPACE: '',
    ...(kubeconfig ? { KUBECONFIG: kubeconfig } : {}),
  };
}

type Spawn = {
  readonly key: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
};

type Asked = { readonly timeoutMs: number; readonly stdin?: string; readonly postRender?: PostRender };

function keyOf({ namespace, name, kubeconfig }: ReleaseTarget): string {
  return kubeconfig ? `${kubeconfig}:${namespace}/${name}` : `${namespace}/${name}`;
}

class HelmRunner {
  readonly #options: HelmOptions;
  readonly #env: Record<string, string>;
  readonly #children: Children;
  readonly #queue: OperationQueue;
  readonly #stop = new AbortController();

  constructor(options: HelmOptions, env: Record<string, string>, children: Children) {
    this.#options = options;
    this.#env = env;
    this.#children = children;
    this.#queue = new OperationQueue(options.concurrency ?? 4);
  }

  run(
    target: ReleaseTarget,
    args: readonly string[],
    { timeoutMs, stdin, postRender }: Asked,
    signal?: AbortSignal,
  ): Promise<HelmResult> {
    const until = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
    const key = keyOf(target);
    const env = target.kubeconfig ? { KUBECONFIG: target.kubeconfig } : {};
    const spawn: Spawn = { key, args, timeoutMs, env, ...(stdin === undefined ? {} : { stdin }) };
    const run = (): Promise<HelmResult> =>
      postRender ? this.#postRendered(spawn, postRender, until) : this.#spawn(spawn, until);
    return this.#queue.run(key, until, run);
  }

  async #postRendered(spawn: Spawn, postRender: PostRender, signal: AbortSignal): Promise<HelmResult> {
    const { binary, env = {}, workDirectory } = this.#options;
    const findTool = (): Promise<string> => findKustomizer(binary, env, join(workDirectory, 'bin'));
    const order = await writeOrder(join(workDirectory, 'orders'), postRender, findTool);
    try {
      const result = await this.#spawn({ ...spawn, env: { ...spawn.env, ...order.env } }, signal);
      const why = result.ok ? undefined : await order.failure();
      if (result.ok || why === undefined) return result;
      const failure = { ...result.failure, kind: 'RenderFailed', message: `post-rendering failed: ${why}` } as const;
      return { ok: false, failure };
    } finally {
      await order.remove();
    }
  }

  settled(target: ReleaseTarget): Promise<void> {
    return this.#queue.settled(keyOf(target));
  }

  async takeOver(): Promise<void> {
    for (const leftover of await this.#children.leftovers()) {
      const { key: release, pid } = leftover;
      this.#options.log.warn('a helm process of an earlier life still works', { release, pid });
      this.#queue.hold(release, this.#children.settle(leftover, this.#stop.signal));
    }
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('helm is being shut down'));
    await this.#queue.idle();
  }

  async #spawn({ key, args, timeoutMs, stdin, env }: Spawn, signal: AbortSignal): Promise<HelmResult> {
    let pid: number | undefined;
    let recorded: Promise<void> | undefined;
    const started = performance.now();
    const result = await runProcess({
      command: this.#options.binary,
      args,
      env: { ...this.#env, ...env },
      timeoutMs: timeoutMs + extraMs,
      graceMs: this.#options.graceMs ?? 20_000,
      signal,
      ...(stdin === undefined ? {} : { stdin }),
      onStart: (id) => {
        pid = id;
        recorded = this.#children
          .add(id, key, timeoutMs + extraMs)
          .catch((error: unknown) => this.#options.log.warn('helm process not recorded', { error }));
      },
    });
    await recorded;
    if (pid !== undefined) await this.#children.remove(pid);
    const facts = {
      operation: args[0],
      release: args[1],
      code: result.code,
      ms: Math.round(performance.now() - started),
    };
    this.#options.log.debug('helm ended', facts);
    if (result.code === 0) return { ok: true, log: result.stderr.slice(-4_000) };
    const failure = classifyFailure(result.stderr);
    if (result.ended === 'aborted') return { ok: false, failure: { ...failure, kind: 'Cancelled' } };
    if (result.ended === 'timeout') return { ok: false, failure: { ...failure, kind: 'NotReady' } };
    return { ok: false, failure };
  }
}
