import { globalLayer } from './global-layer.ts';
import { argoEnvironment, evaluateCondition, parseDurationMs, type SprigHost } from '@sluice/expr';
import type { Json } from '@sluice/model';
import { endingMessage } from './deadline.ts';
import { podNameOf } from './node-name.ts';
import { type Executed, formatTime, lookAgainAt, markError, markPhase, parseTime, type Pass } from './pass.ts';
import { ensureNode, type RunContext } from './run-context.ts';
import { isPodTemplate, type Prepared } from './template-inputs.ts';
import { joinLayers, mapLayer, substitute } from './variables.ts';
import { hasFailed, isFulfilled, type NodeStatus, type RetryStrategy, type Template } from './workflow-types.ts';

type RunTemplate = (run: RunContext, nodeName: string, prepared?: Prepared, retried?: boolean) => Executed;

/** The retry strategy of a template: its own, else the workflow's. */
export function retriesOf(pass: Pass, template: Template): RetryStrategy | undefined {
  return template.retryStrategy ?? pass.spec.retryStrategy;
}

/** Run a template whose attempts are children of a Retry node. */
export function runRetries(run: RunContext, runTemplate: RunTemplate): Executed {
  const { pass, prepared } = run;
  const strategy = retriesOf(pass, prepared.template) ?? {};
  const parent = ensureNode(run, 'Retry', 'Running');
  // An attempt that ends at once (a suspend, a failure to make the pod) is judged in the same pass.
  for (let round = 0; round < 1_000; round++) {
    const current = pass.nodes.byId(parent.id) ?? parent;
    if (isFulfilled(current)) return { node: current };
    const attempts = attemptsOf(pass, current);
    const last = attempts.at(-1);
    const verdict = judge(pass, current, strategy, attempts);
    if (verdict.kind === 'wait') return { node: pass.nodes.byId(parent.id) ?? current };
    if (verdict.kind === 'fault') return { node: markError(pass, current.name, verdict.message) ?? current };
    if (verdict.kind === 'end') return { node: finish(pass, current, last, verdict) };
    const name = attemptName(current, attempts);
    const outcome = runAttempt(run, runTemplate, { parent: current, attempts, name, strategy, verdict });
    if (outcome || !isFulfilled(pass.nodes.byName(name)))
      return outcome ?? { node: pass.nodes.byId(parent.id) ?? current };
  }
  return { node: pass.nodes.byId(parent.id) ?? parent };
}

/** The attempt that is under way, else the next one. */
function attemptName(node: NodeStatus, attempts: readonly NodeStatus[]): string {
  const last = attempts.at(-1);
  return last && !isFulfilled(last) ? last.name : `${node.name}(${attempts.length})`;
}

type Attempt = {
  readonly parent: NodeStatus;
  readonly attempts: readonly NodeStatus[];
  readonly name: string;
  readonly strategy: RetryStrategy;
  readonly verdict: Extract<Verdict, { kind: 'go' }>;
};

/** Run one attempt. Gives the outcome of the whole when there is nothing more to judge in this pass. */
function runAttempt(run: RunContext, runTemplate: RunTemplate, attempt: Attempt): Executed | undefined {
  const { pass } = run;
  const { parent, attempts, name, strategy, verdict } = attempt;
  const last = attempts.at(-1);
  const running = last !== undefined && !isFulfilled(last);
  const prepared = prepareAttempt(run, name, running ? attempts.length - 1 : attempts.length, last, parent);
  if (!prepared.ok) return { node: markError(pass, parent.name, prepared.message) ?? parent };
  const avoidHosts = strategy.affinity ? hostsOf(attempts) : [];
  const inner: RunContext = {
    ...run,
    ...(verdict.deadlineAt === undefined ? {} : { deadlineAt: verdict.deadlineAt }),
    ...(avoidHosts.length > 0 ? { avoidHosts } : {}),
  };
  const { fault } = runTemplate(inner, name, prepared.prepared, true);
  if (pass.nodes.byName(name)) pass.nodes.addChild(parent.name, name);
  if (!fault) return undefined;
  if (fault.kind !== 'error') return { node: pass.nodes.byId(parent.id) ?? parent, fault };
  markError(pass, name, fault.message);
  return undefined;
}

/** The attempts of a Retry node, without its hooks. */
export function attemptsOf(pass: Pass, node: NodeStatus): NodeStatus[] {
  return pass.nodes.childrenOf(node).filter((child) => child.name.startsWith(`${node.name}(`));
}

function hostsOf(attempts: readonly NodeStatus[]): string[] {
  return [
    ...new Set(
      attempts
        .toReversed()
        .filter(hasFailed)
        .flatMap(({ hostNodeName }) => (hostNodeName ? [hostNodeName] : [])),
    ),
  ];
}

type Verdict =
  | { readonly kind: 'go'; readonly deadlineAt?: number }
  | { readonly kind: 'wait' }
  | { readonly kind: 'fault'; readonly message: string }
  | { readonly kind: 'end'; readonly failed: boolean; readonly message?: string };

function judge(pass: Pass, node: NodeStatus, strategy: RetryStrategy, attempts: readonly NodeStatus[]): Verdict {
  const last = attempts.at(-1);
  const window = maxDurationEnd(strategy, attempts);
  if (!last || !isFulfilled(last)) return window === undefined ? { kind: 'go' } : { kind: 'go', deadlineAt: window };
  if (!hasFailed(last)) return last.daemoned ? daemonRuns(pass, node, last) : { kind: 'end', failed: false };
  const ending = endingMessage(pass);
  if (ending !== undefined) return { kind: 'end', failed: true, message: ending };
  if (window !== undefined && pass.now > window)
    return { kind: 'end', failed: true, message: 'Max duration limit exceeded' };
  const backoff = backoffEnd(strategy, attempts, last);
  if (typeof backoff === 'string') return { kind: 'fault', message: backoff };
  if (backoff !== undefined && window !== undefined && backoff.at > window)
    return { kind: 'end', failed: true, message: 'Backoff would exceed max duration limit' };
  const final = policyVerdict(strategy, attempts, last, pass.host);
  if (final) return final;
  if (backoff !== undefined && pass.now < backoff.at) {
    markPhase(pass, node.name, 'Running', `Backoff for ${backoff.text}`);
    lookAgainAt(pass, backoff.at);
    return { kind: 'wait' };
  }
  if (node.message?.startsWith('Backoff for')) markPhase(pass, node.name, 'Running', '');
  return window === undefined ? { kind: 'go' } : { kind: 'go', deadlineAt: window };
}

/** A daemon that is up: the Retry node stands for it until its boundary ends. */
function daemonRuns(pass: Pass, node: NodeStatus, last: NodeStatus): Verdict {
  pass.nodes.update(node.id, { daemoned: true, ...(last.podIP ? { podIP: last.podIP } : {}) });
  return { kind: 'wait' };
}

function policyVerdict(
  strategy: RetryStrategy,
  attempts: readonly NodeStatus[],
  last: NodeStatus,
  host: SprigHost,
): Verdict | undefined {
  const policy = strategy.retryPolicy ?? (strategy.expression ? 'Always' : 'OnFailure');
  if (!['Always', 'OnError', 'OnFailure', 'OnTransientError'].includes(policy))
    return { kind: 'fault', message: `${policy} is not a valid RetryPolicy` };
  const wanted =
    policy === 'Always' ||
    (policy === 'OnFailure' && last.phase === 'Failed') ||
    (policy === 'OnError' && last.phase === 'Error') ||
    (policy === 'OnTransientError' && isTransient(last.message ?? ''));
  if (!wanted) return { kind: 'end', failed: true, ...(last.message === undefined ? {} : { message: last.message }) };
  const limit = numberOf(strategy.limit);
  if (limit !== undefined && attempts.length > limit)
    return { kind: 'end', failed: true, message: 'No more retries left' };
  if (!strategy.expression) return undefined;
  const result = evaluateCondition(strategy.expression, argoEnvironment(lastRetryVariables(attempts, last), host));
  if (!result.ok) return { kind: 'fault', message: result.message };
  return result.value
    ? undefined
    : { kind: 'end', failed: true, message: 'retryStrategy.expression evaluated to false' };
}

const transientSigns = [
  /connection reset by peer/i,
  /i\/o timeout/i,
  /TLS handshake timeout/i,
  /unexpected EOF/i,
  /connection timed out/i,
  /too many requests/i,
  /service unavailable/i,
  /exceeded quota/i,
];

function isTransient(message: string): boolean {
  return transientSigns.some((sign) => sign.test(message));
}

function numberOf(value: Json | undefined): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function maxDurationEnd({ backoff }: RetryStrategy, attempts: readonly NodeStatus[]): number | undefined {
  const limitMs = backoff?.maxDuration ? parseDurationMs(backoff.maxDuration) : undefined;
  const startedAt = parseTime(attempts[0]?.startedAt);
  return limitMs === undefined || startedAt === undefined ? undefined : startedAt + limitMs;
}

function backoffEnd(
  { backoff }: RetryStrategy,
  attempts: readonly NodeStatus[],
  last: NodeStatus,
): { readonly at: number; readonly text: string } | string | undefined {
  if (!backoff) return undefined;
  if (!backoff.duration) return 'no base duration specified for retryStrategy';
  const baseMs = parseDurationMs(backoff.duration);
  if (baseMs === undefined) return `retryStrategy.backoff.duration: '${backoff.duration}' is not a duration`;
  const factor = numberOf(backoff.factor);
  const capMs = backoff.cap ? parseDurationMs(backoff.cap) : undefined;
  const grown = factor !== undefined && factor > 0 ? baseMs * factor ** (attempts.length - 1) : baseMs;
  const waitMs = Math.min(grown, capMs ?? Infinity, 365 * 86_400_000);
  return { at: (parseTime(last.finishedAt) ?? 0) + waitMs, text: humanDuration(waitMs) };
}

function humanDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000);
  const parts = [
    [Math.floor(seconds / 3_600), 'hour'],
    [Math.floor((seconds % 3_600) / 60), 'minute'],
    [seconds % 60, 'second'],
  ] as const;
  const shown = parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`);
  return shown.length === 0 ? '0 seconds' : shown.join(' ');
}

function lastRetryVariables(attempts: readonly NodeStatus[], last: NodeStatus | undefined): Map<string, string> {
  const values = new Map<string, string>([['retries', String(Math.max(0, attempts.length - 1))]]);
  const started = parseTime(last?.startedAt) ?? 0;
  const finished = parseTime(last?.finishedAt) ?? started;
  values.set('lastRetry.exitCode', last ? (last.outputs?.exitCode ?? '-1') : '0');
  values.set('lastRetry.status', last?.phase ?? '');
  values.set('lastRetry.duration', String(last ? Math.floor((finished - started) / 1_000) : 0));
  values.set('lastRetry.message', last?.message ?? '');
  return values;
}

/** The template of one attempt, with `retries`, `lastRetry.*` and the attempt's own pod name. */
function prepareAttempt(
  run: RunContext,
  nodeName: string,
  number: number,
  last: NodeStatus | undefined,
  parent: NodeStatus,
): { readonly ok: true; readonly prepared: Prepared } | { readonly ok: false; readonly message: string } {
  const { pass, prepared } = run;
  const failed = last && isFulfilled(last) ? last : undefined;
  const values = lastRetryVariables(attemptsOf(pass, parent), failed);
  values.set('retries', String(number));
  values.set('node.name', nodeName);
  if (isPodTemplate(prepared.template))
    values.set('pod.name', podNameOf(pass.name, nodeName, prepared.template.name ?? ''));
  const layer = mapLayer(values);
  const variables = joinLayers(layer, prepared.layer, globalLayer(pass));
  const { steps, dag, retryStrategy, ...rest } = prepared.template;
  const body = substitute(rest, variables, { keepUnresolved: true });
  if (!body.ok) return body;
  const template: Template = {
    ...body.value,
    ...(steps ? { steps } : {}),
    ...(dag ? { dag } : {}),
    ...(retryStrategy ? { retryStrategy } : {}),
  };
  return {
    ok: true,
    prepared: {
      ...prepared,
      template,
      variables,
      layer: {
        ...prepared.layer,
        lookUp: (name) => layer.lookUp(name) ?? prepared.layer.lookUp(name),
        entries: () => [...prepared.layer.entries(), ...values],
      },
    },
  };
}

function finish(
  pass: Pass,
  node: NodeStatus,
  last: NodeStatus | undefined,
  verdict: Extract<Verdict, { kind: 'end' }>,
): NodeStatus {
  if (last?.outputs) pass.nodes.update(node.id, { outputs: last.outputs });
  const phase = verdict.failed ? (last?.phase ?? 'Failed') : 'Succeeded';
  const message = verdict.message ?? (node.message === undefined ? undefined : '');
  return markPhase(pass, node.name, phase, message) ?? { ...node, finishedAt: formatTime(pass.now) };
}
