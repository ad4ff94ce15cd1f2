import type { CheckAnnotation, CheckReport } from '@sluice/model';
import type { Octokit } from 'octokit';
import { type GithubConnection, onceOnly } from './github-connection.ts';

const longestText = 65_535;
const annotationsPerRequest = 50;
const maxAnnotations = 500;
const remembered = 2_000;
const pagesSearched = 10;

type Run = { readonly id: number; readonly annotations: number };

/** Writes check runs, which only a GitHub App may. One run per external id, found again after a restart. */
export function createCheckRuns(
  connection: GithubConnection,
): (check: CheckReport, signal: AbortSignal) => Promise<void> {
  const known = new Map<string, Run>();
  return (check, signal) =>
    connection.call('check run', signal, async (octokit) => {
      const key = `${check.sha}/${check.externalId}`;
      let run = known.get(key) ?? (await findRun(octokit, connection, check, signal));
      // GitHub appends annotations with every request, so only those that it lacks are sent.
      const pending = (check.status === 'completed' ? (check.annotations ?? []) : []).slice(0, maxAnnotations);
      do {
        const batch = pending.slice(run?.annotations ?? 0, (run?.annotations ?? 0) + annotationsPerRequest);
        run = await writeRun(octokit, connection, check, { run, batch, signal });
      } while (run.annotations < pending.length);
      known.delete(key);
      known.set(key, run);
      const [oldest] = known.keys();
      if (known.size > remembered && oldest !== undefined) known.delete(oldest);
    });
}

async function findRun(
  octokit: Octokit,
  { owner, repo }: GithubConnection,
  { sha, name, externalId }: CheckReport,
  signal: AbortSignal,
): Promise<Run | undefined> {
  for (let page = 1; page <= pagesSearched; page++) {
    const { data } = await octokit.rest.checks.listForRef({
      owner,
      repo,
      ref: sha,
      check_name: name,
      filter: 'all',
      per_page: 100,
      page,
      request: { signal },
    });
    const found = data.check_runs.find(({ external_id }) => external_id === externalId);
    if (found) return { id: found.id, annotations: found.output.annotations_count };
    if (page * 100 >= data.total_count) return undefined;
  }
  return undefined;
}

async function writeRun(
  octokit: Octokit,
  { owner, repo }: GithubConnection,
  check: CheckReport,
  { run, batch, signal }: { run: Run | undefined; batch: readonly CheckAnnotation[]; signal: AbortSignal },
): Promise<Run> {
  const common = {
    owner,
    repo,
    name: check.name,
    external_id: check.externalId,
    output: {
      title: check.title.slice(0, 255),
      summary: clip(check.summary),
      ...(check.text === undefined ? {} : { text: clip(check.text) }),
      ...(batch.length === 0 ? {} : { annotations: batch.map(toAnnotation) }),
    },
    ...(check.detailsUrl === undefined ? {} : { details_url: check.detailsUrl }),
    ...(check.startedAt === undefined ? {} : { started_at: check.startedAt }),
    // Without the field GitHub keeps the buttons that are there.
    actions: (check.actions ?? []).slice(0, 3).map((action) => ({ ...action })),
    request: { signal },
  };
  const state =
    check.status === 'completed' && check.conclusion !== undefined
      ? {
          status: 'completed' as const,
          conclusion: check.conclusion,
          ...(check.completedAt === undefined ? {} : { completed_at: check.completedAt }),
        }
      : { status: check.status === 'completed' ? ('in_progress' as const) : check.status };
  const { data } = run
    ? await octokit.rest.checks.update({ ...common, ...state, check_run_id: run.id })
    : await octokit.rest.checks.create({ ...common, ...state, head_sha: check.sha, request: onceOnly(signal) });
  // Counted here too: a server that answers with a stale count must not make us send forever.
  return { id: data.id, annotations: Math.max(data.output.annotations_count, (run?.annotations ?? 0) + batch.length) };
}

function toAnnotation({ path, startLine, endLine, startColumn, endColumn, level, title, message }: CheckAnnotation) {
  const columns = startLine === endLine && startColumn !== undefined && endColumn !== undefined;
  return {
    path: path.replace(/^(\.\/)+/, ''),
    start_line: startLine,
    end_line: endLine,
    ...(columns ? { start_column: startColumn, end_column: endColumn } : {}),
    annotation_level: level,
    message: message.slice(0, longestText),
    ...(title === undefined ? {} : { title: title.slice(0, 255) }),
  };
}

function clip(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText - 20)}\n… (shortened)`;
}
