import { createGithubForge, createLocalForge } from '@sluice/forge';
import { createMirrors, findGit } from '@sluice/git';
import { keyText, TerminalError, type Repository } from '@sluice/model';
import type { Log } from '@sluice/runtime';
import type { Forge, ForgeCredentials, Mirror, OrchestratorPorts } from './ports.ts';

/** The forge client that a Repository asks for. Throws TerminalError for what spec or secret lack. */
export function connectForge({ spec, metadata }: Repository, { token, app }: ForgeCredentials): Forge {
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
      if (app) return createGithubForge({ apiUrl, repository, auth: { kind: 'app', ...app } });
      if (!token) throw incomplete('token (or appId and privateKey of a GitHub App)');
      return createGithubForge({ apiUrl, repository, auth: { kind: 'token', token } });
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

type GitCredentials = NonNullable<Parameters<ReturnType<typeof createMirrors>['open']>[0]['credentials']>;

/**
 * What git signs in with: the token where there is one, else a token of the App's installation, asked for anew as it
 * lives an hour. The local forge lets everybody on the machine read; its token is for writing only. Credentials go to
 * the host of the forge alone: a clone URL elsewhere gets none.
 */
export function gitCredentials({ spec }: Repository, { token, app }: ForgeCredentials): GitCredentials | undefined {
  const { type, apiUrl = '', repository = '' } = spec?.forge ?? {};
  if (type !== 'github' || !isSameHost(spec?.url ?? '', apiUrl)) return undefined;
  if (token) return { username: 'x-access-token', password: token };
  if (!app) return undefined;
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
