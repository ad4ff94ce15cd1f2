import type { DeploymentReport } from '@sluice/model';
import type { Octokit } from 'octokit';
import { type GithubConnection, onceOnly } from './github-connection.ts';
import { shorten } from './github-statuses.ts';

const longestDescription = 140;
const remembered = 2_000;
const pagesSearched = 5;

type Known = { readonly id: number; said?: string };

/** Writes deployments and their statuses. One deployment per external id, found again by its payload after a restart. */
export function createDeployments(
  connection: GithubConnection,
): (deployment: DeploymentReport, signal: AbortSignal) => Promise<void> {
  const known = new Map<string, Known>();
  return (report, signal) =>
    connection.call('deployment', signal, async (octokit) => {
      const entry = known.get(report.externalId) ?? (await findOrCreate(octokit, connection, report, signal));
      known.delete(report.externalId);
      known.set(report.externalId, entry);
      const [oldest] = known.keys();
      if (known.size > remembered && oldest !== undefined) known.delete(oldest);
      const text = statusText(report);
      entry.said ??= await lastStatus(octokit, connection, entry.id, signal);
      if (entry.said === text) return;
      await createStatus(octokit, connection, report, { id: entry.id, signal });
      entry.said = text;
    });
}

async function findOrCreate(
  octokit: Octokit,
  { owner, repo }: GithubConnection,
  report: DeploymentReport,
  signal: AbortSignal,
): Promise<Known> {
  const { sha, environment, externalId } = report;
  for (let page = 1; page <= pagesSearched; page++) {
    const query = { owner, repo, sha, environment, per_page: 100, page, request: { signal } };
    const { data } = await octokit.rest.repos.listDeployments(query);
    const found = data.find(({ payload }) => externalIdOf(payload) === externalId);
    if (found) return { id: found.id };
    if (data.length < 100) break;
  }
  const { data } = await octokit.rest.repos.createDeployment({
    owner,
    repo,
    ref: sha,
    environment,
    description: shorten(`${report.ref} to ${environment}`, longestDescription),
    // Left out, GitHub would merge the default branch first and refuse while any check is red.
    auto_merge: false,
    required_contexts: [],
    payload: { externalId },
    request: onceOnly(signal),
  });
  if ('id' in data) return { id: data.id, said: '' };
  throw new Error(`GitHub made no deployment: ${data.message ?? 'without a reason'}`);
}

function externalIdOf(payload: unknown): string | undefined {
  const value: unknown = typeof payload === 'string' ? parse(payload) : payload;
  return (value as { externalId?: string } | null)?.externalId;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function createStatus(
  octokit: Octokit,
  { owner, repo }: GithubConnection,
  { state, description, logUrl, environmentUrl, environment }: DeploymentReport,
  { id, signal }: { readonly id: number; readonly signal: AbortSignal },
): Promise<void> {
  await octokit.rest.repos.createDeploymentStatus({
    owner,
    repo,
    deployment_id: id,
    state,
    environment,
    description: shorten(description, longestDescription),
    ...(logUrl === undefined ? {} : { log_url: logUrl }),
    ...(environmentUrl === undefined ? {} : { environment_url: environmentUrl }),
    request: { signal },
  });
}

/** What GitHub shows last, in the form of {@link statusText}; empty when there is none. */
async function lastStatus(
  octokit: Octokit,
  { owner, repo }: GithubConnection,
  id: number,
  signal: AbortSignal,
): Promise<string> {
  const query = { owner, repo, deployment_id: id, per_page: 1, request: { signal } };
  const { data } = await octokit.rest.repos.listDeploymentStatuses(query);
  const [last] = data;
  return last ? JSON.stringify([last.state, last.description]) : '';
}

function statusText({ state, description }: DeploymentReport): string {
  return JSON.stringify([state, shorten(description, longestDescription)]);
}
