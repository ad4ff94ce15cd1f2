import type { ButtonEvent, CommentEvent } from '@sluice/events';
import { keys, type JsonObject, type KubeObject } from '@sluice/model';
import { buildRerun } from '@sluice/pipeline';
import type { Log } from '@sluice/runtime';
import {
  decideButton,
  decideCommands,
  mayCommand,
  parseComment,
  refusedCommandCheck,
  toCommandedRun,
  type CommandAction,
  type CommandDecision,
  type PullRequestEvent,
} from '@sluice/trigger';
import { cancelRun, listRuns, type RunObject } from './cancel-runs.ts';
import type { EnsureRuns, EventOutcome } from './ensure-runs.ts';
import { ensureWorkflow } from './ensure-workflow.ts';
import { forkAnswerOf, recordApproval, withdrawApprovals } from './fork-trust.ts';
import { toPullRequest } from './head-event.ts';
import type { Head, OrchestratorPorts } from './ports.ts';
import type { OpenRepository } from './repository-access.ts';

type Parts = {
  readonly ports: OrchestratorPorts;
  readonly ensureRuns: EnsureRuns;
  /** Gives numbers that grow. */
  readonly nextOrder: () => number;
};

/** Somebody asked for something, in a comment or with a button. */
export type AskedEvent = CommentEvent | ButtonEvent;

export type ObeyCommand = (open: OpenRepository, event: AskedEvent, log: Log, signal: AbortSignal) => Promise<void>;

/** A command with all that obeying it needs to know. `key` tells it from every other. */
type Asked = {
  readonly event: AskedEvent;
  readonly key: string;
  readonly sha: string;
  readonly heads: readonly Head[];
  readonly pulls: readonly PullRequestEvent[];
  readonly runs: readonly RunObject[];
  readonly log: Log;
};

/**
 * Does what people ask for in comments and with the buttons of checks. Whoever asks must have write access at the forge
 * at this moment, by numeric id. What is not done is answered by a check on the commit. Doing it again changes nothing.
 * To be called for one repository at a time.
 */
export function createObeyCommand({ ports, ensureRuns, nextOrder }: Parts): ObeyCommand {
  return async (open, event, log, signal) => {
    const parsed = event.kind === 'comment' ? parseComment(event.body) : { commands: [], refusals: [] };
    if (event.kind === 'comment' && parsed.commands.length + parsed.refusals.length === 0)
      return log.info('delivery ignored', { reason: 'the comment holds no command' });
    const heads = await open.forge.listHeads(signal);
    const pulls = heads.flatMap((head) => toPullRequest(head) ?? []);
    const pull = event.kind === 'comment' ? pulls.find(({ number }) => number === event.number) : undefined;
    if (event.kind === 'comment' && !pull)
      return log.info('delivery ignored', { reason: `pull request ${event.number} is not open` });
    const sha = pull?.sha ?? (event.kind === 'button' ? event.sha : '');
    const key = event.kind === 'comment' ? `comment:${event.comment}` : `button:${event.delivery}`;
    if (!mayCommand(await open.forge.permissionOf(event.actor, signal))) {
      log.info('command refused', { actor: event.actor.id, reason: 'no write access' });
      const reason = `@${event.actor.login} has no write access to this repository, which commands need`;
      return await answer(open, sha, key, [reason], signal);
    }
    const runs = await listRuns(ports, open, { [keys.sha]: sha }, signal);
    const seen = runs.map(toCommandedRun);
    const decision =
      event.kind === 'button'
        ? decideButton(
            event,
            pulls.filter((each) => each.sha === sha),
            seen,
          )
        : pull
          ? decideCommands(parsed.commands, pull, seen)
          : { actions: [], refusals: [] };
    const refusals = await perform(open, { event, key, sha, heads, pulls, runs, log }, decision, signal);
    await answer(open, sha, key, [...parsed.refusals, ...refusals], signal);
  };

  /** Do all of it, in order. Gives why the rest was not done. */
  async function perform(
    opened: OpenRepository,
    asked: Asked,
    { actions, refusals }: CommandDecision,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    let open = opened;
    const reasons = [...refusals];
    for (const action of actions) {
      asked.log.info('command obeyed', { actor: asked.event.actor.id, ...action, sha: asked.sha });
      if (action.kind === 'approve') open = await approve(open, asked, action, signal);
      else if (action.kind === 'revoke') open = await withdrawApprovals(ports, open, action.pullRequest, signal);
      else if (action.kind === 'cancel')
        await cancelRun(ports, { namespace: open.key.namespace, name: action.workflow }, signal);
      else if (action.kind === 'run') reasons.push(...(await runPipelines(open, asked, action, signal)));
      else reasons.push(...(await rerun(open, asked, action.workflow, signal)));
    }
    return reasons;
  }

  async function approve(
    open: OpenRepository,
    { event, heads, pulls, log }: Asked,
    { sha, pullRequest }: CommandAction & { readonly kind: 'approve' },
    signal: AbortSignal,
  ): Promise<OpenRepository> {
    const pull = pulls.find(({ number }) => number === pullRequest);
    if (!pull) return open;
    const at = new Date(ports.now()).toISOString();
    const approved = await recordApproval(ports, open, { sha, pullRequest, actorId: event.actor.id, at }, signal);
    await ensureRuns({ open: approved, event: pull, heads, delivery: event.delivery, log }, signal);
    return approved;
  }

  async function runPipelines(
    open: OpenRepository,
    { event, key, sha, heads, pulls, log }: Asked,
    { pipeline }: CommandAction & { readonly kind: 'run' },
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const pull = pulls.find((each) => (event.kind === 'comment' ? each.number === event.number : each.sha === sha));
    if (!pull) return [`commit ${sha} is not the head of an open pull request any more`];
    const request = { key, ...(pipeline === undefined ? {} : { pipeline }) };
    const outcome = await ensureRuns(
      { open, event: pull, asked: request, heads, delivery: event.delivery, log },
      signal,
    );
    return outcome.runs.length > 0 ? [] : whyNothingRuns(outcome, pipeline);
  }

  async function rerun(
    open: OpenRepository,
    { event, key, sha, heads, pulls, runs, log }: Asked,
    workflow: string,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const found = runs.find(({ metadata }) => metadata.name === workflow);
    if (!found) return [];
    const { annotations = {}, labels = {} } = found.metadata;
    if (annotations[keys.trust] !== 'trusted') {
      const pull = pulls.find(({ number, sha: head }) => String(number) === labels[keys.pullRequest] && head === sha);
      const fork = pull && (await forkAnswerOf(open, pull, signal));
      if (!pull) return [`commit ${sha} is not the head of an open pull request any more`];
      if (fork && !fork.allowed) return [fork.reason];
    }
    const again = buildRerun(found as KubeObject<JsonObject>, {
      repositoryUid: open.uid,
      triggerKey: key,
      order: nextOrder(),
      delivery: event.delivery,
      current: heads.some((head) => head.ref === annotations[keys.ref] && head.sha === sha),
    });
    await ensureWorkflow(ports, { open, log }, again, signal);
    return [];
  }
}

function whyNothingRuns({ skipped }: EventOutcome, pipeline: string | undefined): readonly string[] {
  const reasons = skipped.filter(({ code }) => code !== 'NotAsked');
  if (reasons.length > 0) return reasons.map(({ pipeline: { name }, reason }) => `${name}: ${reason}`);
  const names = skipped.map(({ pipeline: { name } }) => name).join(', ');
  if (pipeline === undefined) return ['there is no pipeline at this commit'];
  return [`there is no pipeline ${pipeline}${names ? `; there are ${names}` : ''}`];
}

async function answer(
  { forge }: OpenRepository,
  sha: string,
  key: string,
  reasons: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (reasons.length > 0) await forge.upsertCheck(refusedCommandCheck(sha, key.replace(':', '-'), reasons), signal);
}
