import { setTimeout as delay } from 'node:timers/promises';
import {
  createBitbucketForge,
  createGiteaForge,
  createGithubForge,
  createGitlabForge,
  createLocalForge,
  createRequestBudget,
  type RequestBudget,
} from '@sluice/forge';
import { createMirrors, findGit } from '@sluice/git';
import { keyText, TerminalError, type Repository } from '@sluice/model';
import type { Log } from '@sluice/runtime';
import type { Forge, ForgeCredentials, Mirror, OrchestratorPorts } from './ports.ts';

/** Makes forge clients. Those that sign in alike share what the forge lets them ask for in a minute. */
export function createForges(now: () => number): OrchestratorPorts['forges'] {
  const budgets = new Map<string, RequestBudget>();
  const budgetOf = (apiUrl: string, { app, token }: ForgeCredentials): RequestBudget => {
    const key = `${apiUrl} ${app?.appId ?? token?.reveal() ?? ''}`;
    const known = budgets.get(key);
    if (known) return known;
    const sleep = (ms: number, signal: AbortSignal | undefined) => delay(ms, undefined, signal ? { signal } : {});
    const budget = createRequestBudget({ now, sleep });
    budgets.set(key, budget);
    return budget;
  };
  return (repository, credentials) => {
    const apiUrl = repository.spec?.forge.apiUrl ?? '';
    return connectForge(repository, credentials, budgetOf(apiUrl, credentials));
  };
}

/** Forges that know tokens only. */
const tokenForges = {
  gitlab: createGitlabForge,
  gitea: createGiteaForge,
  bitbucket: createBitbucketForge,
} as const;

/** The forge client that a Repository asks for. Throws TerminalError for what spec or secret lack. */
function connectForge({ spec, metadata }: Repository, { token, app }: ForgeCredentials, budget: RequestBudget): Forge {
  const { type, apiUrl = '', repository = '' } = spec?.forge ?? {};
  const incomplete = (keys: string): TerminalError => {
    const secret = spec?.forge.secretRef ? `Secret "${spec.forge.secretRef.name}"` : 'spec.forge.secretRef';
    return new TerminalError(
      'SecretIncomplete',
      `${secret} of Repository ${metadata.name} gives no ${keys}; reports need it`,
    );
  };
  switch (type) {
    case 'local':
      if (!token) throw incomplete('token');
      return createLocalForge({ apiUrl, repository, token });
    case 'github':
      if (app) return createGithubForge({ apiUrl, repository, auth: { kind: 'app', ...app }, budget });
      if (!token) throw incomplete('token (or appId and privateKey of a GitHub App)');
      return createGithubForge({ apiUrl, repository, auth: { kind: 'token', token }, budget });
    case 'gitlab':
    case 'gitea':
    case 'bitbucket':
      if (!token) throw incomplete('token');
      return tokenForges[type]({ apiUrl, repository, token, budget });
    case undefined:
      throw new TerminalError('InvalidSpec', `Repository ${metadata.name} has no spec.forge`);
    default:
      return unreachable(type);
  }
}

export type MirrorOptions = {
  /** Made when missing; may be lost. */
  readonly directory: string;
  /** PATH, to find git in. */
  readonly path: string;
  readonly privateHosts: readonly string[];
  readonly log: Log;
};

/** Mirrors on disk through the git binary. Throws TerminalError when there is no git that will do. */
export async function connectMirrors({
  directory,
  path,
  privateHosts,
  log,
}: MirrorOptions): Promise<OrchestratorPorts['mirrors']> {
  const { binary } = await findGit({ path });
  const mirrors = createMirrors({ directory, git: binary, log, policy: { privateHosts } });
  return (repository, secrets): Mirror => {
    const id = repository.metadata.uid ?? keyText(repository.metadata);
    const credentials = gitCredentials(repository, secrets);
    const pushCredentials = localPushCredentials(repository, secrets);
    return mirrors.open({
      id,
      url: repository.spec?.url ?? '',
      ...(credentials ? { credentials } : {}),
      ...(pushCredentials ? { pushCredentials } : {}),
    });
  };
}

/** The user that goes with a token. */
const gitUsers = { github: 'x-access-token', gitlab: 'oauth2', gitea: 'sluice', bitbucket: 'x-token-auth' } as const;

type GitCredentials = NonNullable<Parameters<ReturnType<typeof createMirrors>['open']>[0]['credentials']>;

/**
 * What git signs in with: the token where there is one, else a token of the App's installation, asked for anew as it
 * lives an hour. The local forge lets everybody on the machine read; its token is for writing only. Credentials go to
 * the host of the forge alone: a clone URL elsewhere gets none.
 */
export function gitCredentials({ spec }: Repository, { token, app }: ForgeCredentials): GitCredentials | undefined {
  const { type, apiUrl = '', repository = '' } = spec?.forge ?? {};
  if (type === undefined || type === 'local' || !isSameHost(spec?.url ?? '', apiUrl)) return undefined;
  if (token) return { username: gitUsers[type], password: token };
  if (type !== 'github' || !app) return undefined;
  const forge = createGithubForge({ apiUrl, repository, auth: { kind: 'app', ...app } });
  return (signal) => forge.gitCredentials(signal);
}

/** What git pushes with to the local forge. Any name will do beside its token. */
function localPushCredentials({ spec }: Repository, { token }: ForgeCredentials): GitCredentials | undefined {
  const { type, apiUrl = '' } = spec?.forge ?? {};
  return type === 'local' && token && isSameHost(spec?.url ?? '', apiUrl)
    ? { username: 'sluice', password: token }
    : undefined;
}

/** api.github.com serves github.com; an Enterprise Server has its API below its own name. */
function isSameHost(cloneUrl: string, apiUrl: string): boolean {
  if (!URL.canParse(cloneUrl) || !URL.canParse(apiUrl)) return false;
  const [clone, api] = [new URL(cloneUrl).hostname, new URL(apiUrl).hostname];
  return clone === api || api === `api.${clone}`;
}

function unreachable(type: never): never {
  throw new Error(`unknown forge ${String(type)}`);
}
