import { type ExecuteRequest, initializeNode, type Pass, type TemplateContext } from './pass.ts';
import type { Prepared } from './template-inputs.ts';
import type { NodePhase, NodeStatus, NodeType } from './workflow-types.ts';

/** All that running one template for one node needs. */
export type RunContext = {
  readonly pass: Pass;
  readonly request: ExecuteRequest;
  /** Where names inside the template are looked up. */
  readonly context: TemplateContext;
  readonly prepared: Prepared;
  readonly type: NodeType;
  /** The node is an attempt of a Retry node. */
  readonly retried?: boolean;
  /** The pod must have ended by then, whatever its template says. */
  readonly deadlineAt?: number;
  /** Hosts to stay away from. */
  readonly avoidHosts?: readonly string[];
};

/** The node of a run; made in the given phase when it is not there yet. */
export function ensureNode(run: RunContext, type: NodeType, phase: NodePhase): NodeStatus {
  const { pass, request, prepared } = run;
  const present = pass.nodes.byName(request.nodeName);
  if (present) return present;
  const { inputs } = prepared;
  return initializeNode(pass, {
    name: request.nodeName,
    type,
    phase,
    boundaryId: request.boundaryId,
    scope: request.context.scope,
    call: request.call,
    ...(request.hooked ? { hooked: true } : {}),
    ...(run.retried ? { retried: true } : {}),
    fields: inputs ? { inputs } : {},
  });
}
