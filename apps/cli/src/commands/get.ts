import {
  type Environment,
  type HelmRelease,
  findCondition,
  type KubeObject,
  keys,
  type Repository,
  resources,
} from '@sluice/model';
import { type ClusterOptions, connect, type Connection } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import { checksOf, forgeClient } from '@sluice/local';
import type { Workflow } from '@sluice/workflow';
import type { Io } from '../io.ts';
import {
  formatAge,
  formatDuration,
  formatObject,
  type Listing,
  type OutputFormat,
  parseFormat,
  showListing,
} from '../output.ts';
import { elapsed, phaseOf, type Run, shortSha } from '../run.ts';
import { headLines, treeLines } from '../run-tree.ts';
import { resolveRun } from '../watch-run.ts';

export type GetOptions = ClusterOptions & {
  readonly output?: string;
  readonly allNamespaces?: boolean;
  readonly repository?: string;
  readonly sha?: string;
};

const listers = {
  runs: listRuns,
  releases: listReleases,
  checks: listChecks,
  repos: listRepositories,
  environments: listEnvironments,
} satisfies Record<string, (io: Io, connection: Connection, options: GetOptions) => Promise<Listing>>;

/** What `sluice get` can list. */
export const getKinds = Object.keys(listers);

/** `sluice get runs|releases|checks|repos` lists; `sluice get RUN` and `sluice get run RUN` show one run with its steps. */
export async function getCommand(
  kind: string,
  name: string | undefined,
  options: GetOptions,
  io: Io,
): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const lister = Object.entries(listers).find(([name]) => name === kind || name === `${kind}s`)?.[1];
  if (name !== undefined && lister !== listRuns)
    throw new CommandError(exitCodes.usage, `only runs are shown one by one; to list: sluice get ${kind}`);
  const connection = await connect(io, options);
  if (!lister || name !== undefined) return showRun(await resolveNamed(connection, name ?? kind), format, io);
  const listing = await lister(io, connection, options);
  showListing(io, format, options.allNamespaces ? withNamespaces(listing) : listing);
  return exitCodes.ok;
}

async function resolveNamed({ kube, namespace }: Connection, name: string): Promise<Workflow> {
  try {
    return (await resolveRun(kube, namespace, name)) as unknown as Workflow;
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== exitCodes.notFound) throw error;
    throw new CommandError(exitCodes.notFound, `${error.message}; lists: ${getKinds.join(', ')}`);
  }
}

function showRun(workflow: Workflow, format: OutputFormat, io: Io): ExitCode {
  if (format === 'json' || format === 'yaml') io.out(formatObject(format, workflow));
  else if (format === 'name') io.out(workflow.metadata.name);
  else {
    for (const line of headLines(workflow, io.now())) io.out(line);
    io.out('');
    for (const line of treeLines(workflow, io.now(), !io.colour && !io.terminal)) io.out(line);
  }
  return exitCodes.ok;
}

/** The same with the namespace of each object as the first column. */
function withNamespaces(listing: Listing): Listing {
  const namespaces = listing.objects.map((object) => (object as Partial<KubeObject>).metadata?.namespace ?? '');
  return {
    ...listing,
    columns: ['NAMESPACE', ...listing.columns],
    rows: listing.rows.map((row, i) => [namespaces[i] ?? '', ...row]),
  };
}

function scope(connection: Connection, options: GetOptions): { namespace?: string } {
  return options.allNamespaces ? {} : { namespace: connection.namespace };
}

async function listRuns(io: Io, connection: Connection, options: GetOptions): Promise<Listing> {
  const selector = options.repository ? { labelSelector: `${keys.repository}=${options.repository}` } : {};
  const { items } = await connection.kube.list<Run>(resources.workflows, {
    ...scope(connection, options),
    ...selector,
  });
  const runs = newestFirst(
    items.filter((run) => !options.sha || run.metadata.labels?.[keys.sha]?.startsWith(options.sha)),
  );
  return {
    columns: ['NAME', 'REPOSITORY', 'PIPELINE', 'EVENT', 'COMMIT', 'PHASE', 'STEPS', 'DURATION', 'AGE'],
    rows: runs.map((run) => {
      const labels = run.metadata.labels ?? {};
      const duration = elapsed(run.status ?? {}, io.now());
      return [
        run.metadata.name,
        labels[keys.repository] ?? '-',
        labels[keys.pipeline] ?? '-',
        labels[keys.event] ?? '-',
        shortSha(run) || '-',
        phaseOf(run),
        run.status?.progress ?? '-',
        duration === undefined ? '-' : formatDuration(duration),
        formatAge(run.metadata.creationTimestamp, io.now()),
      ];
    }),
    objects: runs,
    names: runs.map((run) => run.metadata.name),
    empty: 'no runs',
  };
}

async function listReleases(io: Io, connection: Connection, options: GetOptions): Promise<Listing> {
  const { items } = await connection.kube.list<HelmRelease>(resources.helmReleases, scope(connection, options));
  return {
    columns: ['NAME', 'READY', 'REVISION', 'CHART', 'COMMIT', 'AGE', 'MESSAGE'],
    rows: items.map((release) => {
      const ready = findCondition(release.status?.conditions, 'Ready');
      const newest = release.status?.history?.[0];
      return [
        release.metadata.name,
        ready?.status ?? 'Unknown',
        newest ? String(newest.version) : '-',
        newest ? `${newest.chartName}@${newest.chartVersion}` : '-',
        (release.metadata.annotations?.[keys.sha] ?? release.metadata.labels?.[keys.sha] ?? '').slice(0, 7) || '-',
        formatAge(release.metadata.creationTimestamp, io.now()),
        firstLine(ready?.message ?? ''),
      ];
    }),
    objects: items,
    names: items.map((release) => release.metadata.name),
    empty: 'no releases',
  };
}

async function listRepositories(io: Io, connection: Connection, options: GetOptions): Promise<Listing> {
  const { items } = await connection.kube.list<Repository>(resources.repositories, scope(connection, options));
  return {
    columns: ['NAME', 'FORGE', 'BRANCH', 'HEAD', 'READY', 'AGE', 'URL'],
    rows: items.map((repository) => {
      const spec = repository.spec;
      return [
        repository.metadata.name,
        spec?.forge.type ?? '-',
        spec?.defaultBranch ?? '-',
        (repository.status?.heads?.[`refs/heads/${spec?.defaultBranch}`] ?? '').slice(0, 7) || '-',
        findCondition(repository.status?.conditions, 'Ready')?.status ?? 'Unknown',
        formatAge(repository.metadata.creationTimestamp, io.now()),
        spec?.url ?? '-',
      ];
    }),
    objects: items,
    names: items.map((repository) => repository.metadata.name),
    empty: 'no repositories; add one with: sluice repo add NAME',
  };
}

async function listEnvironments(io: Io, connection: Connection, options: GetOptions): Promise<Listing> {
  const { items } = await connection.kube.list<Environment>(resources.environments, scope(connection, options));
  return {
    columns: ['NAME', 'MODE', 'NAMESPACE', 'AFTER', 'READY', 'REVISION', 'AGE'],
    rows: items.map(({ metadata, spec, status }) => [
      metadata.name,
      spec?.mode ?? 'direct',
      spec?.namespace ?? '-',
      spec?.after?.join(', ') || '-',
      findCondition(status?.conditions, 'Ready')?.status ?? 'Unknown',
      status?.revision?.slice(0, 7) ?? '-',
      formatAge(metadata.creationTimestamp, io.now()),
    ]),
    objects: items,
    names: items.map(({ metadata }) => metadata.name),
    empty: 'no environments',
  };
}

async function listChecks(io: Io, connection: Connection, options: GetOptions): Promise<Listing> {
  if (!connection.context) {
    throw new CommandError(
      exitCodes.usage,
      'checks are read from the local forge of `sluice up`; look at other forges where they show them',
    );
  }
  const forge = forgeClient(connection.context);
  const chosen = await commitsOf(connection, options);
  const checks = (
    await Promise.all(chosen.map(({ sha, repository }) => checksOf(forge, repository, sha, io.signal)))
  ).flat();
  return {
    columns: ['REPOSITORY', 'COMMIT', 'CHECK', 'STATUS', 'CONCLUSION', 'TITLE'],
    rows: checks.map((check) => [
      check.repository,
      check.sha.slice(0, 7),
      check.name,
      check.status,
      check.conclusion ?? '-',
      check.title,
    ]),
    objects: checks,
    names: checks.map((check) => `${check.repository}/${check.sha.slice(0, 7)}/${check.name}`),
    empty: 'no checks',
  };
}

const maxCommits = 50;

/**
 * Commits whose checks are worth a look: heads of branches and pull requests, which have checks even when no pipeline
 * could be read, and commits of runs, newest first.
 */
async function commitsOf({ kube, namespace }: Connection, options: GetOptions) {
  const within = options.allNamespaces ? {} : { namespace };
  const repositories = (await kube.list<Repository>(resources.repositories, within)).items.filter(
    ({ metadata, spec }) =>
      spec?.forge.type === 'local' && (!options.repository || metadata.name === options.repository),
  );
  const names = new Set(repositories.map(({ metadata }) => metadata.name));
  const { items } = await kube.list<Run>(resources.workflows, within);
  const ofRuns = newestFirst(items).flatMap(({ metadata: { labels = {} } }) => {
    const { [keys.repository]: repository = '', [keys.sha]: sha = '' } = labels;
    return sha && names.has(repository) ? [{ repository, sha }] : [];
  });
  const ofHeads = repositories.flatMap(({ metadata, status }) =>
    Object.values(status?.heads ?? {}).map((sha) => ({ repository: metadata.name, sha })),
  );
  const ran = new Set(ofRuns.map(({ sha }) => sha));
  const all = [...ofHeads.filter(({ sha }) => !ran.has(sha)), ...ofRuns];
  const distinct = new Map(all.map((commit) => [`${commit.repository} ${commit.sha}`, commit]));
  return [...distinct.values()].filter(({ sha }) => sha.startsWith(options.sha ?? '')).slice(0, maxCommits);
}

function newestFirst(runs: readonly Run[]): Run[] {
  return runs.toSorted((a, b) =>
    (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? 1 : -1,
  );
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
