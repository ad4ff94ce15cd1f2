import type { Json } from '@sluice/model';

/** What a Workflow of a repository may not do unless its Repository object allows it, by name. */
export const workflowPolicies = Object.freeze([
  'serviceAccount',
  'podSpecPatch',
  'hostAccess',
  'privileged',
  'placement',
  'volumes',
  'templateRef',
  'resource',
  'http',
  'plugin',
  'metadata',
] as const);

export type WorkflowPolicy = (typeof workflowPolicies)[number];

/** A field that a policy forbids. */
export type PolicyProblem = { readonly policy: WorkflowPolicy; readonly path: string };

type Rule = {
  readonly policy: WorkflowPolicy;
  /** Whether this value of the field is forbidden; every value when absent. */
  readonly when?: (value: Json) => boolean;
};

const isTrue = (value: Json): boolean => value !== false && value !== null;
const isObject = (value: Json): boolean => value !== null && typeof value === 'object';

/** By the name of the field, wherever in the spec it stands: Argo reads the same fields in many places. */
const rules: Readonly<Record<string, Rule>> = {
  serviceAccountName: { policy: 'serviceAccount' },
  serviceAccountToken: { policy: 'serviceAccount' },
  automountServiceAccountToken: { policy: 'serviceAccount', when: isTrue },
  podSpecPatch: { policy: 'podSpecPatch' },
  hostPath: { policy: 'hostAccess', when: isObject },
  hostNetwork: { policy: 'hostAccess', when: isTrue },
  hostPID: { policy: 'hostAccess', when: isTrue },
  hostIPC: { policy: 'hostAccess', when: isTrue },
  hostPort: { policy: 'hostAccess' },
  hostAliases: { policy: 'hostAccess' },
  privileged: { policy: 'privileged', when: isTrue },
  mirrorVolumeMounts: { policy: 'volumes', when: isTrue },
  allowPrivilegeEscalation: { policy: 'privileged', when: isTrue },
  procMount: { policy: 'privileged' },
  capabilities: { policy: 'privileged', when: (value) => isObject(value) && Object.hasOwn(value as object, 'add') },
  sysctls: { policy: 'privileged' },
  nodeName: { policy: 'placement' },
  nodeSelector: { policy: 'placement' },
  affinity: { policy: 'placement' },
  tolerations: { policy: 'placement' },
  schedulerName: { policy: 'placement' },
  priorityClassName: { policy: 'placement' },
  podPriorityClassName: { policy: 'placement' },
  runtimeClassName: { policy: 'placement' },
  persistentVolumeClaim: { policy: 'volumes', when: isObject },
  csi: { policy: 'volumes', when: isObject },
  nfs: { policy: 'volumes', when: isObject },
  iscsi: { policy: 'volumes', when: isObject },
  flexVolume: { policy: 'volumes', when: isObject },
  templateRef: { policy: 'templateRef' },
  workflowTemplateRef: { policy: 'templateRef' },
  resource: { policy: 'resource', when: (value) => isObject(value) && Object.hasOwn(value as object, 'action') },
  http: { policy: 'http', when: (value) => isObject(value) && Object.hasOwn(value as object, 'url') },
  plugin: { policy: 'plugin', when: isObject },
  executorPlugins: { policy: 'plugin' },
  executor: { policy: 'serviceAccount', when: isObject },
  workflowMetadata: { policy: 'metadata' },
};

const maxDepth = 64;
const maxProblems = 20;

/**
 * The fields of a Workflow's spec that its repository may not set. `allow` are policies that the Repository lifts; what
 * is not trusted gets none of them. Pure; at most 20 problems.
 */
export function checkWorkflowPolicy(spec: unknown, allow: readonly string[]): readonly PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  walk(spec as Json | undefined, 'spec', 0, (policy, path) => {
    if (!allow.includes(policy) && problems.length < maxProblems) problems.push({ policy, path });
  });
  return problems;
}

function walk(
  value: Json | undefined,
  path: string,
  depth: number,
  report: (policy: WorkflowPolicy, path: string) => void,
): void {
  if (value === null || typeof value !== 'object' || depth > maxDepth) return;
  if (Array.isArray(value)) {
    (value as readonly Json[]).forEach((item, i) => walk(item, `${path}[${i}]`, depth + 1, report));
    return;
  }
  for (const [field, below] of Object.entries(value as Readonly<Record<string, Json>>)) {
    const at = `${path}.${field}`;
    const rule = Object.hasOwn(rules, field) ? rules[field] : undefined;
    if (rule && (rule.when?.(below) ?? true)) report(rule.policy, at);
    // Labels and annotations that Sluice and the engine go by.
    if (/^(?:[a-z-]+\.)*(?:sluice\.dev|argoproj\.io)\//.test(field)) report('metadata', at);
    walk(below, at, depth + 1, report);
  }
}
