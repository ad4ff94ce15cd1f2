import { runDag } from './dag.ts';
import { deadlineFault } from './deadline.ts';
import { markMemoized, recall } from './memoize.ts';
import { parallelismFault } from './parallelism.ts';
import {
  type Executed,
  type ExecuteRequest,
  initializeNode,
  markError,
  type Pass,
  type TemplateContext,
} from './pass.ts';
import { runPod } from './pod-node.ts';
import { retriesOf, runRetries } from './retry.ts';
import { runSteps } from './steps.ts';
import { runSuspend } from './suspend.ts';
import { resolveTemplate } from './template-context.ts';
import { mergeDefaults } from './template-defaults.ts';
import { isPodTemplate, prepareTemplate, type Prepared } from './template-inputs.ts';
import type { RunContext } from './run-context.ts';
import { takeNodeLocks } from './synchronization.ts';
import { hasPod, isFulfilled, type NodeStatus, type Template } from './workflow-types.ts';

/** How deep templates may call templates. */
export const maxDepth = 100;

/** Bring one call of a template as far as it goes now. */
export function execute(pass: Pass, request: ExecuteRequest): Executed {
  const { nodeName, call, boundaryId } = request;
  const present = pass.nodes.byName(nodeName);
  if (present && isFulfilled(present)) return { node: present };
  if (request.depth > maxDepth)
    return errorNode(
      pass,
      request,
      'Maximum recursion depth exceeded. See https://argo-workflows.readthedocs.io/en/latest/scaling/',
      request.context,
    );
  const resolved = resolveTemplate(pass, call, request.context);
  if (!resolved.ok) return errorNode(pass, request, resolved.message, request.context);
  const template = mergeDefaults(pass, resolved.template);
  if (present && isRunningPod(pass, present) && !template.timeout && !template.pendingTimeout) return { node: present };
  const prepared = prepareTemplate(pass, nodeName, template, call.arguments);
  if (!prepared.ok) return errorNode(pass, request, prepared.message, resolved.context);
  const late = present ? deadlineFault(pass, present, prepared.value.template) : undefined;
  if (late) return late;
  const held = parallelismFault(pass, present, prepared.value.template, boundaryId);
  if (held) return { ...(present ? { node: present } : {}), fault: held };
  const run: RunContext = {
    pass,
    request,
    context: resolved.context,
    prepared: prepared.value,
    type: typeOf(prepared.value.template),
  };
  return enter(run, present);
}

/** Take the locks, look whether somebody has done the work already, and run. */
function enter(run: RunContext, present: NodeStatus | undefined): Executed {
  const { pass, request, context } = run;
  const { template } = run.prepared;
  const locks = takeNodeLocks(run, present);
  if (locks.kind === 'problem') return errorNode(pass, request, locks.message, context);
  if (locks.kind === 'waiting') return locks;
  const recalled = present && !locks.entered ? {} : recall(run);
  if (recalled.problem !== undefined) return errorNode(pass, request, recalled.problem, context);
  if (recalled.node) return { node: recalled.node };
  const executed = retriesOf(pass, template) ? runRetries(run, runTemplate) : runTemplate(run, request.nodeName);
  if (template.memoize) markMemoized(run);
  return executed;
}

/** Nothing to do for a pod that is there, but to watch its timeout. */
function isRunningPod(pass: Pass, node: NodeStatus): boolean {
  return hasPod(node) && pass.pods.has(node.id);
}

function typeOf(template: Template): RunContext['type'] {
  if (isPodTemplate(template)) return 'Pod';
  if (template.steps) return 'Steps';
  if (template.dag) return 'DAG';
  if (template.suspend) return 'Suspend';
  return template.http ? 'HTTP' : 'Plugin';
}

function runTemplate(run: RunContext, nodeName: string, prepared: Prepared = run.prepared, retried = false): Executed {
  const inner: RunContext = { ...run, prepared, request: { ...run.request, nodeName }, retried };
  if (run.type === 'Steps') return runSteps(inner);
  if (run.type === 'DAG') return runDag(inner);
  if (run.type === 'Suspend') return runSuspend(inner);
  return runPod(inner);
}

/** Record that a call could not even begin. */
function errorNode(pass: Pass, request: ExecuteRequest, message: string, context: TemplateContext): Executed {
  const present = pass.nodes.byName(request.nodeName);
  const node =
    (present ? markError(pass, present.name, message) : undefined) ??
    initializeNode(pass, {
      name: request.nodeName,
      type: 'Skipped',
      phase: 'Error',
      boundaryId: request.boundaryId,
      scope: context.scope,
      call: request.call,
      message,
      ...(request.hooked ? { hooked: true } : {}),
    });
  return { node, fault: { kind: 'error', message } };
}
