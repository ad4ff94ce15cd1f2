import { findCondition, keys, type DeployApproval, type HelmRelease } from '@sluice/model';
import type { EnvironmentPlan } from './environment-plan.ts';
import { findFreeze } from './freeze-window.ts';

/** What is to be deployed. */
export type GateRequest = {
  readonly environment: string;
  /** Grows with every handled event: see keys.order of @sluice/model. */
  readonly order: number;
  /** The commit. */
  readonly sha: string;
  /** Digest of the chart's manifest. */
  readonly chartDigest: string;
  /** When the run ended. */
  readonly runEndedMs: number;
};

/** The release of the same name in an environment that comes before. `order` as its annotation says. */
export type GateBefore = { readonly environment: string; readonly release?: HelmRelease; readonly order: number };

export type GateInput = {
  readonly plan: Pick<EnvironmentPlan, 'after' | 'waitMs' | 'freeze' | 'approval' | 'git'>;
  readonly request: GateRequest;
  readonly before: readonly GateBefore[];
  readonly approvals: readonly DeployApproval[];
  readonly now: number;
};

/** May it begin? `lookAgainMs`: after how long the clock alone may have changed the answer. */
export type Gate =
  | { readonly kind: 'open' }
  | { readonly kind: 'superseded'; readonly message: string }
  | { readonly kind: 'waiting'; readonly message: string; readonly lookAgainMs?: number };

/**
 * Whether a deployment may begin, from the environments before, the time, freezes and approvals: every reason to wait is told. Pure, and the
 * same after a restart.
 */
export function decideGate({ plan, request, before, approvals, now }: GateInput): Gate {
  const reasons: string[] = [];
  const looks: number[] = [];
  let sinceMs = before.length > 0 ? 0 : request.runEndedMs;
  for (const one of before) {
    const standing = judge(one, request);
    if (standing.kind === 'superseded') return standing;
    if (standing.kind === 'waiting') reasons.push(standing.message);
    else sinceMs = Math.max(sinceMs, standing.sinceMs);
  }
  const restMs = sinceMs + plan.waitMs - now;
  if (reasons.length === 0 && plan.waitMs > 0 && restMs > 0) {
    reasons.push(`begins at ${timeText(sinceMs + plan.waitMs)}`);
    looks.push(restMs);
  }
  const given = approvals.filter(({ environment }) => environment === request.environment);
  const freeze = given.some(({ despiteFreeze }) => despiteFreeze) ? undefined : findFreeze(plan.freeze, now);
  if (freeze) {
    reasons.push(`frozen until ${timeText(freeze.untilMs)}${freeze.reason ? ` (${freeze.reason})` : ''}`);
    looks.push(freeze.untilMs - now);
  }
  // In mode git the pull request is what is approved.
  if (plan.approval && !plan.git && given.length === 0) reasons.push('waits for approval');
  if (reasons.length === 0) return { kind: 'open' };
  const lookAgain = looks.length > 0 ? { lookAgainMs: Math.max(1_000, Math.min(...looks)) } : {};
  return { kind: 'waiting', message: reasons.join('; '), ...lookAgain };
}

type Standing = Exclude<Gate, { kind: 'open' }> | { readonly kind: 'serves'; readonly sinceMs: number };

/** How the release stands in an environment before: does it serve this very chart? */
function judge({ environment, release, order }: GateBefore, request: GateRequest): Standing {
  const waiting = (message: string): Standing => ({ kind: 'waiting', message });
  if (!release) return waiting(`waits for ${environment}, where nothing is deployed yet`);
  const servedMs = servedSince(release, request);
  const wanted = order === request.order || servedMs !== undefined;
  if (!wanted && order > request.order)
    return { kind: 'superseded', message: `${environment} has a newer commit by now` };
  const ready = readyNow(release);
  if (servedMs !== undefined && ready === 'True') return { kind: 'serves', sinceMs: servedMs };
  return waiting(`waits for ${environment}${wanted && ready === 'False' ? ', where it failed' : ''}`);
}

/** Since when the newest revision is this chart of this commit; undefined when it is another, or failed. */
function servedSince({ metadata, status }: HelmRelease, { chartDigest, sha }: GateRequest): number | undefined {
  const [newest] = status?.history ?? [];
  if (newest?.status !== 'deployed' || newest.ociDigest !== chartDigest) return undefined;
  return metadata.annotations?.[keys.sha] === sha ? Date.parse(newest.lastDeployed) || 0 : undefined;
}

/** The Ready condition about the present generation. */
function readyNow({ metadata, status }: HelmRelease): string | undefined {
  if (status?.observedGeneration !== metadata.generation) return undefined;
  return findCondition(status?.conditions, 'Ready')?.status;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/:\d{2}\.\d{3}Z$/, 'Z');
}

/** The approvals in the annotation of a Workflow; what is none is passed over. */
export function readApprovals(annotation: string | undefined): readonly DeployApproval[] {
  let value: unknown;
  try {
    value = JSON.parse(annotation ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(value)) return [];
  return (value as unknown[]).filter((item): item is DeployApproval => {
    const { environment, by, at } = (item ?? {}) as Partial<Record<string, unknown>>;
    return typeof environment === 'string' && typeof by === 'string' && typeof at === 'string';
  });
}
