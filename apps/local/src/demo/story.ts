import type { Environment, HelmRelease, ReleaseSnapshot } from '@sluice/model';
import { findCondition, keys, resources } from '@sluice/model';
import { checksOf, type StoredCheck } from '../forge-client.ts';
import { stepsOf } from '@sluice/trigger';
import { changes } from './changes.ts';
import type { WorkingCopy } from './git-client.ts';
import { askOnce, startLoad } from './load.ts';
import {
  awaitChecks,
  awaitDeployment,
  awaitRun,
  chartDigestOf,
  findRelease,
  serviceUrl,
  StoryError,
  summarizeRun,
  until,
  type World,
  type WorkflowObject,
} from './observe.ts';
import type { SummaryRelease, SummaryRun } from './summary.ts';

const environment = 'staging';
const release = 'hello';
const objectName = `${release}-${environment}`;
const serviceNamespace = 'staging';

/** What the story has seen so far; kept outside so that a story that breaks off still has a summary. */
export type Record = {
  readonly runs: SummaryRun[];
  readonly digests: Map<number, { chartDigest: string; imageDigest: string }>;
  releases: readonly SummaryRelease[];
  pushToFirstStepMs?: number;
  pushToReleasedMs?: number;
};

/** The environment that the story deploys to: quick to give up, and rolled back when an upgrade fails. */
export const stagingEnvironment: Environment = {
  apiVersion: 'sluice.dev/v1alpha1',
  kind: 'Environment',
  metadata: { name: environment, namespace: 'default' },
  spec: {
    namespace: serviceNamespace,
    mode: 'direct',
    release: {
      interval: '1m',
      timeout: '4s',
      install: { createNamespace: true },
      upgrade: { remediation: { retries: 0, remediateLastFailure: true } },
    },
  },
};

/** Play the story. Throws a StoryError at the first thing that does not happen. */
export async function playStory(world: World, copy: WorkingCopy, record: Record): Promise<void> {
  await world.kube.apply(resources.environments, stagingEnvironment, { fieldManager: 'sluice-demo' });
  await pushToMain(world, copy, record);
  const merged = await pullRequest(world, copy, record);
  await badRelease(world, copy, record, merged);
}

async function pushToMain(world: World, copy: WorkingCopy, record: Record): Promise<void> {
  const { view } = world;
  view.chapter('A. A push to main is tested, packaged and deployed');
  const sha = await copy.commit('Say hello', {});
  const pushedAt = world.now();
  const firstStep = awaitFirstStep(world);
  firstStep.catch(() => undefined); // it is awaited below, unless something else fails first
  await copy.push('--quiet', 'origin', 'main');
  view.note(`$ git push origin main   # ${sha.slice(0, 7)}`);
  const run = await awaitRun(world, sha, 'push', `ci ${sha.slice(0, 7)} push`);
  record.pushToFirstStepMs = (await firstStep) - pushedAt;
  await requirePhase(world, run, 'Succeeded');
  const url = await awaitServed(world, sha, 'installed');
  record.pushToReleasedMs = world.now() - pushedAt;
  const checks = await recordRun(world, record, run, ['ci', `deploy ${environment}`]);
  requireGreen(checks);
  await requireDeployment(world, sha, 'success');
  await recordRelease(world, record);
  view.note(`${url} answers with ${sha.slice(0, 7)}; checks are green`);
}

async function pullRequest(world: World, copy: WorkingCopy, record: Record): Promise<string> {
  const { view } = world;
  const served = (await findRelease(world, objectName))?.status?.history?.[0]?.version;

  view.chapter('B. A pull request that breaks a unit test is told so');
  await copy.checkout('-b', 'good-morning');
  const broken = await copy.commit('Say good morning', changes.broken);
  await copy.push('--quiet', 'origin', 'HEAD:refs/for/main');
  view.note(`$ git push origin HEAD:refs/for/main   # ${broken.slice(0, 7)}`);
  const red = await awaitRun(world, broken, 'pull_request', `ci ${broken.slice(0, 7)} pull request`);
  const redChecks = await recordRun(world, record, red, ['ci']);
  await requirePhase(world, red, 'Failed');
  const check = redChecks.find(({ name }) => name === 'ci');
  if (check?.conclusion !== 'failure')
    throw new StoryError(`the check of the broken pull request is ${check?.conclusion}, not failure`);
  if (!`${check.title}${check.summary}`.includes('unit'))
    throw new StoryError('the red check does not name the failing step');
  if (!check.text?.includes('greets the caller by name'))
    throw new StoryError('the red check does not show the tail of the failing log');
  view.log(`check ci: ${check.title}`, lastLines(check.text, 6));
  const now = (await findRelease(world, objectName))?.status?.history?.[0]?.version;
  if (now !== served) throw new StoryError(`a pull request was deployed: revision ${served} became ${now}`);

  const fixed = await copy.commit('Describe the new greeting', changes.fixed);
  await copy.push('--quiet', 'origin', 'HEAD:refs/for/main');
  view.note(`$ git push origin HEAD:refs/for/main   # ${fixed.slice(0, 7)}, the fix`);
  const green = await awaitRun(world, fixed, 'pull_request', `ci ${fixed.slice(0, 7)} pull request`);
  await requirePhase(world, green, 'Succeeded');
  requireGreen(await recordRun(world, record, green, ['ci']));

  view.chapter('B, merged. The release is upgraded under load');
  const number = await openPullRequest(world);
  const load = startLoad(await serviceUrl(world, serviceNamespace, release));
  const answer = (await world.forge('POST', `/repos/${world.repository}/pulls/${number}/merge`, {})) as { sha: string };
  view.note(`pull request #${number} merged as ${answer.sha.slice(0, 7)}`);
  const run = await awaitRun(world, answer.sha, 'push', `ci ${answer.sha.slice(0, 7)} push`);
  await requirePhase(world, run, 'Succeeded');
  await awaitServed(world, answer.sha, 'upgraded');
  const checks = await recordRun(world, record, run, ['ci', `deploy ${environment}`]);
  const { requests, failures } = await load.stop();
  if (failures.length > 0)
    throw new StoryError(
      `${failures.length} of ${requests} requests failed during the upgrade: ${failures.slice(0, 3).join('; ')}`,
    );
  requireGreen(checks);
  await requireDeployment(world, answer.sha, 'success');
  await recordRelease(world, record);
  view.note(`${requests} requests during the upgrade, none failed`);
  return answer.sha;
}

async function badRelease(world: World, copy: WorkingCopy, record: Record, good: string): Promise<void> {
  const { view } = world;
  view.chapter('C. A push that never becomes ready is rolled back');
  await copy.checkout('main');
  await copy.follow('main');
  const sha = await copy.commit('Wait for a database that is not there', changes.neverReady);
  await copy.push('--quiet', 'origin', 'main');
  view.note(`$ git push origin main   # ${sha.slice(0, 7)}`);
  const run = await awaitRun(world, sha, 'push', `ci ${sha.slice(0, 7)} push`);
  await requirePhase(world, run, 'Succeeded');
  const deployment = await awaitDeployment(world, sha, environment);
  const checks = await recordRun(world, record, run, ['ci', `deploy ${environment}`]);
  if (deployment.state === 'success')
    throw new StoryError('the deployment of a release that never became ready is called a success');
  const check = checks.find(({ name }) => name === `deploy ${environment}`);
  if (check?.conclusion !== 'failure')
    throw new StoryError(`the check "deploy ${environment}" is ${check?.conclusion}, not failure`);
  const rolledBack = await until(world, 'the rollback', 30_000, async () => {
    const newest = (await findRelease(world, objectName))?.status?.history?.[0];
    return newest?.action === 'rollback' && newest.status === 'deployed' ? newest : undefined;
  });
  await recordRelease(world, record);
  const served = await askOnce(await serviceUrl(world, serviceNamespace, release));
  if (!('version' in served) || served.version !== good) {
    throw new StoryError(`after the rollback the service answers ${JSON.stringify(served)}, not ${good}`);
  }
  view.log(`check deploy ${environment}: ${check.title}`, firstLines(check.summary ?? '', 14));
  view.note(`rolled back to ${good.slice(0, 7)} as revision ${rolledBack.version}; it still answers`);
}

/** When the first container of a run was seen running or done, in milliseconds since the epoch. */
async function awaitFirstStep(world: World): Promise<number> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, world.signal, AbortSignal.timeout(60_000)]);
  const options = {
    namespace: world.namespace,
    labelSelector: 'workflows.argoproj.io/workflow',
    sendInitialEvents: true,
    signal,
  };
  try {
    for await (const event of world.kube.watch(resources.pods, options)) {
      if (event.type === 'BOOKMARK') continue;
      const { phase } = (event.object.status ?? {}) as { phase?: string };
      if (phase === 'Running' || phase === 'Succeeded' || phase === 'Failed') return world.now();
    }
    throw new StoryError('the watch of pods ended before the first step ran');
  } finally {
    stop.abort();
  }
}

async function awaitServed(world: World, sha: string, verb: string): Promise<string> {
  await until(
    world,
    `${environment} to be ${verb}`,
    60_000,
    async () => {
      const found = await findRelease(world, objectName);
      const ready = findCondition(found?.status?.conditions, 'Ready');
      if (
        ready?.status === 'False' &&
        !['Progressing', 'DependencyNotReady', 'SourceNotReady', 'ArtifactFailed'].includes(ready.reason)
      ) {
        throw new StoryError(`the release failed: ${ready.reason}: ${ready.message}`);
      }
      return isDeployed(found, sha) ? found : undefined;
    },
    () => 'the HelmRelease is not ready',
  );
  const url = await serviceUrl(world, serviceNamespace, release);
  let last = '';
  await until(
    world,
    `${url} to answer with ${sha.slice(0, 7)}`,
    15_000,
    async () => {
      const answer = await askOnce(url);
      last = JSON.stringify(answer);
      return 'version' in answer && answer.version === sha ? answer : undefined;
    },
    () => `it answers ${last}`,
  );
  return url;
}

function isDeployed(object: HelmRelease | undefined, sha: string): boolean {
  if (!object || object.status?.observedGeneration !== object.metadata.generation) return false;
  const newest = object.status?.history?.[0];
  return (
    newest?.status === 'deployed' &&
    newest.appVersion === sha &&
    findCondition(object.status?.conditions, 'Ready')?.status === 'True'
  );
}

async function recordRun(
  world: World,
  record: Record,
  run: WorkflowObject,
  names: readonly string[],
): Promise<StoredCheck[]> {
  const sha = run.metadata.labels?.[keys.sha] ?? '';
  const checks = await awaitChecks(world, sha, names);
  record.runs.push(summarizeRun(run, checks));
  return checks;
}

async function recordRelease(world: World, record: Record): Promise<void> {
  const found = await findRelease(world, objectName);
  const history: readonly ReleaseSnapshot[] = found?.status?.history ?? [];
  const chartDigest = await chartDigestOf(world, found);
  const values = found?.spec?.values as { image?: { digest?: string } } | undefined;
  const present = { chartDigest, imageDigest: values?.image?.digest ?? '' };
  for (const snapshot of history) {
    if (record.digests.has(snapshot.version)) continue;
    const source = history.find(
      (other) => other.version !== snapshot.version && other.appVersion === snapshot.appVersion,
    );
    const isRollback = snapshot.action === 'rollback';
    record.digests.set(snapshot.version, (isRollback && source && record.digests.get(source.version)) || present);
  }
  const seen = new Map(record.releases.map((entry) => [entry.revision, entry]));
  for (const snapshot of history) {
    const digests = record.digests.get(snapshot.version) ?? present;
    seen.set(snapshot.version, {
      name: snapshot.name,
      revision: snapshot.version,
      status: snapshot.status,
      ...digests,
    });
  }
  record.releases = [...seen.values()].toSorted((a, b) => a.revision - b.revision);
}

async function openPullRequest(world: World): Promise<number> {
  const answer = await world.forge('GET', `/repos/${world.repository}/pulls?state=open`);
  const pulls = (Array.isArray(answer) ? answer : ((answer as { pulls?: unknown[] }).pulls ?? [])) as {
    number: number;
  }[];
  if (pulls.length !== 1 || !pulls[0])
    throw new StoryError(`${pulls.length} pull requests are open, not 1: the fix must have updated the first`);
  return pulls[0].number;
}

async function requireDeployment(world: World, sha: string, state: string): Promise<void> {
  const deployment = await awaitDeployment(world, sha, environment);
  if (deployment.state !== state)
    throw new StoryError(`the deployment of ${sha.slice(0, 7)} is ${deployment.state}: ${deployment.description}`);
}

async function requirePhase(world: World, run: WorkflowObject, phase: string): Promise<void> {
  const seen = run.status?.phase;
  if (seen === phase) return;
  const failed = stepsOf(run).filter((step) => step.phase === 'Failed' || step.phase === 'Error');
  const checks = await checksOf(world.forge, world.repository, run.metadata.labels?.[keys.sha] ?? '');
  const steps = failed.map((step) => `${step.name}: ${step.message ?? step.phase}`).join('; ');
  const logs = checks.flatMap((check) => check.text ?? []).join('\n');
  throw new StoryError(
    `run ${run.metadata.name} is ${seen}, not ${phase}: ${run.status?.message ?? ''} ${steps}\n${logs}`,
  );
}

function requireGreen(checks: readonly StoredCheck[]): void {
  const red = checks.filter((check) => check.conclusion !== 'success');
  if (red.length > 0)
    throw new StoryError(
      `not green: ${red.map((check) => `${check.name} (${check.conclusion}): ${check.title}`).join('; ')}`,
    );
}

/** The first lines of a Markdown text for a terminal: without tables, fences and marks. */
function firstLines(text: string, count: number): string {
  const isProse = (line: string): boolean => line.trim() !== '' && !/^(```|\|)/.test(line);
  const lines = text.replaceAll('**', '').replaceAll('\\@', '@').split('\n').filter(isProse);
  return lines.length > count ? [...lines.slice(0, count), '…'].join('\n') : lines.join('\n');
}

function lastLines(text: string, count: number): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('```'))
    .slice(-count)
    .join('\n');
}
