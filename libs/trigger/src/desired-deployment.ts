import {
  findCondition,
  keys,
  type CheckReport,
  type Condition,
  type DeploymentReport,
  type DeploymentState,
  type HelmRelease,
} from '@sluice/model';
import { describePods, describeWords, parseFailureReason, shortReason } from './failure-reason.ts';
import { cut, escapeMarkdown, markdownTable, reportLimits } from './report-text.ts';

/** What the forge should say about one deployment. `final`: nothing more is expected to happen to it by itself. */
export type DesiredDeployment = {
  readonly deployment: DeploymentReport;
  readonly check: CheckReport;
  readonly final: boolean;
};

/** Most characters of a failure's reason that the check shows. */
const maxReason = 16_384;

/** Reasons of Ready=False after which the operator does nothing more by itself. */
const failedReasons = new Set([
  'InstallFailed',
  'UpgradeFailed',
  'TestFailed',
  'RollbackSucceeded',
  'RollbackFailed',
  'UninstallSucceeded',
  'UninstallFailed',
  'RetriesExceeded',
  'MissingRollbackTarget',
]);

/** Status and check of the deployment that a HelmRelease of ours stands for; undefined for one that is not ours. Pure. */
export function desiredDeployment(release: HelmRelease): DesiredDeployment | undefined {
  const { labels = {}, annotations = {} } = release.metadata;
  const environment = labels[keys.environment];
  const sha = annotations[keys.sha];
  if (!environment || !sha) return undefined;
  const found = stateOf(release);
  const { state, what, why } = found;
  const target = { environment, sha, ref: annotations[keys.ref] ?? '', id: release.metadata.name };
  const description = why === undefined ? what : `${what}: ${shortReason(parseFailureReason(why))}`;
  return toReports(target, { state, description, summary: summaryOf(release, found) });
}

/** The same for a deployment that could not even begin. */
export function refusedDeployment(target: DeploymentTarget, reason: string): DesiredDeployment {
  return toReports(target, { state: 'failure', description: reason, summary: escapeMarkdown(reason) });
}

/** The same for a deployment that waits for its turn. */
export function waitingDeployment(target: DeploymentTarget, reason: string): DesiredDeployment {
  return toReports(target, { state: 'queued', description: reason, summary: escapeMarkdown(reason) });
}

/** The same for a deployment that will not happen because a newer one does. */
export function supersededDeployment(target: DeploymentTarget, reason: string): DesiredDeployment {
  const { check, ...rest } = toReports(target, {
    state: 'inactive',
    description: reason,
    summary: escapeMarkdown(reason),
  });
  return { ...rest, check: { ...check, status: 'completed', conclusion: 'neutral' }, final: true };
}

/** What a deployment report is about; `id` is the name of the HelmRelease. */
export type DeploymentTarget = {
  readonly environment: string;
  readonly sha: string;
  readonly ref: string;
  readonly id: string;
};

type Outcome = { readonly state: DeploymentState; readonly description: string; readonly summary: string };

function toReports(
  { environment, sha, ref, id }: DeploymentTarget,
  { state, description, summary }: Outcome,
): DesiredDeployment {
  const final = state === 'success' || state === 'failure';
  const completed = final
    ? ({ status: 'completed', conclusion: state } as const)
    : ({ status: 'in_progress' } as const);
  return {
    deployment: {
      externalId: `${id}-${sha.slice(0, 12)}`,
      sha,
      ref,
      environment,
      state,
      description: cut(description, reportLimits.description),
    },
    check: {
      name: `deploy ${environment}`,
      externalId: `deploy-${id}`,
      sha,
      ...completed,
      title: cut(description, reportLimits.title),
      summary: cut(summary, reportLimits.text),
    },
    final,
  };
}

/** What is the matter, and of a failure why. */
type State = { readonly state: DeploymentState; readonly what: string; readonly why?: string };

function stateOf(release: HelmRelease): State {
  const { metadata, spec, status } = release;
  const fresh = (type: string): Condition | undefined => {
    const condition = findCondition(status?.conditions, type);
    const seen = condition?.observedGeneration ?? metadata.generation;
    return seen === metadata.generation ? condition : undefined;
  };
  const observed = status?.observedGeneration === metadata.generation;
  const ready = fresh('Ready');
  if (spec?.suspend) return { state: 'in_progress', what: 'The release is suspended' };
  if (!observed || !ready) return { state: 'in_progress', what: progressText(fresh('Reconciling'), ready) };
  if (ready.status === 'True') return { state: 'success', what: servingText(release) ?? ready.message };
  const working = fresh('Reconciling')?.status === 'True' && fresh('Stalled')?.status !== 'True';
  const failed = fresh('Stalled')?.status === 'True' || failedReasons.has(ready.reason);
  if (!failed || working || ready.status === 'Unknown')
    return { state: 'in_progress', what: progressText(fresh('Reconciling'), ready) };
  return { state: 'failure', ...explainFailure(release, ready) };
}

function progressText(reconciling: Condition | undefined, ready: Condition | undefined): string {
  return reconciling?.message || ready?.message || 'Waiting for the helm operator';
}

/** What happened and what serves now, and why: in this order, so that a cut loses the least. */
function explainFailure(release: HelmRelease, ready: Condition): { what: string; why: string } {
  const remediated = findCondition(release.status?.conditions, 'Remediated');
  const rolledBack = ready.reason === 'RollbackSucceeded' || remediated?.reason === 'RollbackSucceeded';
  const removed = ready.reason === 'UninstallSucceeded' || remediated?.reason === 'UninstallSucceeded';
  const cause = findCondition(release.status?.conditions, 'Released');
  const why = cause?.status === 'False' ? cause.message : ready.message;
  const what = rolledBack ? 'Failed and rolled back' : removed ? 'Failed and uninstalled' : 'Failed';
  const serving = servingText(release);
  return { what: `${what}${serving ? `; ${lowerFirst(serving)}` : ''}`, why };
}

/** Which revision serves: `Revision 3 of hello serves (commit 1234567)`. */
function servingText({ metadata, spec, status }: HelmRelease): string | undefined {
  const serving = status?.history?.find((entry) => entry.status === 'deployed');
  if (!serving) return undefined;
  const version = serving.appVersion ?? serving.chartVersion;
  const commit = /^[0-9a-f]{40}$/.test(version) ? `commit ${version.slice(0, 7)}` : `version ${version}`;
  return `Revision ${serving.version} of ${spec?.releaseName ?? metadata.name} serves (${commit})`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function summaryOf(release: HelmRelease, { what, why }: State): string {
  const { metadata, spec, status } = release;
  const where = `Release \`${spec?.releaseName ?? metadata.name}\` in namespace \`${spec?.targetNamespace ?? metadata.namespace ?? ''}\`.`;
  const parts = why === undefined ? [escapeMarkdown(what), where] : failureParagraphs(release, why, where);
  const notes = notesOf(status?.conditions ?? [], `${what}\n${why ?? ''}`);
  if (notes.length > 0) parts.push(notes.map((note) => `- ${note}`).join('\n'));
  const conditions = (status?.conditions ?? []).map((each) => [
    escapeMarkdown(each.type),
    each.status,
    escapeMarkdown(each.reason),
  ]);
  if (conditions.length > 0) parts.push(markdownTable(['Condition', 'Status', 'Reason'], conditions));
  const history = historyRows(release);
  if (history.length > 0) parts.push(markdownTable(['Revision', 'Status', 'Chart', 'App', 'Deployed'], history));
  return parts.join('\n\n');
}

/** What happened, why, what serves now. */
function failureParagraphs(release: HelmRelease, why: string, where: string): string[] {
  const reason = parseFailureReason(cut(why, maxReason));
  const pods = describePods(reason, maxReason);
  const serving = servingText(release);
  return [
    `**What happened:** ${describeWords(reason, maxReason)}`,
    ...(pods ? [`**Why:** ${pods}`] : []),
    `**What serves now:** ${serving ? `${escapeMarkdown(serving)}.` : 'nothing, as far as Helm knows.'} ${where}`,
  ];
}

/** What the conditions say beyond the text that is shown already, each once. */
function notesOf(conditions: readonly Condition[], shown: string): readonly string[] {
  const told = conditions.map(({ message }) =>
    cut((message.split('\n')[0] ?? '').split(' What failed: ')[0] ?? '', 300),
  );
  return [...new Set(told)].filter((note) => note !== '' && !shown.includes(note)).map(escapeMarkdown);
}

function historyRows({ status }: HelmRelease): string[][] {
  const rows = (status?.history ?? []).slice(0, 5);
  return rows.map((entry) =>
    [String(entry.version), entry.status, entry.chartVersion, (entry.appVersion ?? '').slice(0, 12), entry.lastDeployed]
      .map(withoutFraction)
      .map(escapeMarkdown),
  );
}

/** `2026-11-24T00:02:44.482155684Z` to whole seconds; other texts as they are. */
function withoutFraction(text: string): string {
  return text.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+(Z|[+-]\d\d:\d\d)$/, '$1$2');
}
