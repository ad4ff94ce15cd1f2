import type { Json, JsonObject, KubeObject } from '@sluice/model';

/** A parameter: of a workflow, of a template's inputs or outputs, or an argument of a call. */
export type Parameter = {
  readonly name: string;
  readonly value?: Json;
  readonly default?: Json;
  readonly enum?: readonly Json[];
  readonly description?: string;
  readonly globalName?: string;
  readonly valueFrom?: ValueFrom;
};

/** Where a parameter's value comes from. */
export type ValueFrom = {
  readonly path?: string;
  readonly parameter?: string;
  readonly expression?: string;
  readonly default?: Json;
  readonly supplied?: JsonObject;
  readonly configMapKeyRef?: { readonly name?: string; readonly key: string; readonly optional?: boolean };
  readonly jsonPath?: string;
  readonly jqFilter?: string;
  readonly event?: string;
};

/** An artifact. Locations are passed through. */
export type Artifact = JsonObject & {
  readonly name: string;
  readonly path?: string;
  readonly from?: string;
  readonly fromExpression?: string;
  readonly optional?: boolean;
  readonly globalName?: string;
};

export type Arguments = { readonly parameters?: readonly Parameter[]; readonly artifacts?: readonly Artifact[] };
export type Inputs = Arguments;
export type Outputs = Arguments & { readonly result?: string; readonly exitCode?: string };

/** Names a template of a stored WorkflowTemplate. */
export type TemplateRef = { readonly name: string; readonly template: string; readonly clusterScope?: boolean };

/** A lifecycle hook, or an exit handler when it is named `exit`. */
export type Hook = {
  readonly template?: string;
  readonly templateRef?: TemplateRef;
  readonly arguments?: Arguments;
  readonly expression?: string;
};
export type Hooks = Readonly<Record<string, Hook>>;

export type Sequence = { readonly count?: Json; readonly start?: Json; readonly end?: Json; readonly format?: string };
export type ContinueOn = { readonly failed?: boolean; readonly error?: boolean };

/** What steps, tasks and hooks have in common: which template to run and with what. */
export type TemplateCall = {
  readonly name?: string;
  readonly template?: string;
  readonly templateRef?: TemplateRef;
  readonly inline?: Template;
  readonly arguments?: Arguments;
  readonly when?: string;
  readonly withItems?: readonly Json[];
  readonly withParam?: string;
  readonly withSequence?: Sequence;
  readonly continueOn?: ContinueOn;
  readonly onExit?: string;
  readonly hooks?: Hooks;
};
export type Step = TemplateCall & { readonly name: string };
export type Task = Step & { readonly depends?: string; readonly dependencies?: readonly string[] };
export type Dag = { readonly tasks: readonly Task[]; readonly target?: string; readonly failFast?: boolean };

export type RetryStrategy = {
  readonly limit?: Json;
  readonly retryPolicy?: string;
  readonly expression?: string;
  readonly backoff?: {
    readonly duration?: string;
    readonly factor?: Json;
    readonly maxDuration?: string;
    readonly cap?: string;
  };
  readonly affinity?: JsonObject;
};

/** A container as in a pod; fields that the engine does not read are passed through. */
export type Container = JsonObject & {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
};
export type Script = Container & { readonly source: string };

/** A template. Pod fields that the engine does not read are passed through. */
export type Template = {
  readonly name?: string;
  readonly inputs?: Inputs;
  readonly outputs?: Outputs;
  readonly container?: Container;
  readonly script?: Script;
  readonly steps?: readonly (readonly Step[])[];
  readonly dag?: Dag;
  readonly suspend?: { readonly duration?: Json };
  readonly containerSet?: JsonObject;
  readonly resource?: JsonObject;
  readonly data?: JsonObject;
  readonly http?: JsonObject;
  readonly plugin?: JsonObject;
  readonly retryStrategy?: RetryStrategy;
  readonly parallelism?: number;
  readonly failFast?: boolean;
  readonly timeout?: string;
  readonly pendingTimeout?: string;
  readonly activeDeadlineSeconds?: Json;
  readonly daemon?: boolean;
  readonly synchronization?: JsonObject;
  readonly memoize?: JsonObject;
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
} & { readonly [field: string]: unknown };

export type WorkflowSpec = {
  readonly entrypoint?: string;
  readonly templates?: readonly Template[];
  readonly arguments?: Arguments;
  readonly onExit?: string;
  readonly hooks?: Hooks;
  readonly activeDeadlineSeconds?: number;
  readonly parallelism?: number;
  readonly suspend?: boolean;
  readonly shutdown?: string;
  readonly templateDefaults?: Template;
  readonly retryStrategy?: RetryStrategy;
  readonly workflowTemplateRef?: { readonly name: string; readonly clusterScope?: boolean };
  readonly volumeClaimTemplates?: readonly JsonObject[];
  readonly volumeClaimGC?: { readonly strategy?: string };
  readonly serviceAccountName?: string;
  readonly workflowMetadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labelsFrom?: Readonly<Record<string, { readonly expression: string }>>;
  };
} & { readonly [field: string]: unknown };

export type NodePhase = 'Pending' | 'Running' | 'Succeeded' | 'Skipped' | 'Failed' | 'Error' | 'Omitted';
export type WorkflowPhase = '' | 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Error';
export type NodeType =
  | 'Pod'
  | 'Container'
  | 'Steps'
  | 'StepGroup'
  | 'DAG'
  | 'TaskGroup'
  | 'Retry'
  | 'Skipped'
  | 'Suspend'
  | 'HTTP'
  | 'Plugin';

/** One node, laid out as upstream does, so that its tools can read it. Times are RFC 3339 with seconds. */
export type NodeStatus = {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly type: NodeType;
  readonly templateName?: string;
  readonly templateRef?: TemplateRef;
  readonly templateScope?: string;
  readonly phase?: NodePhase;
  readonly boundaryID?: string;
  readonly message?: string;
  readonly startedAt?: string | null;
  readonly finishedAt?: string | null;
  readonly estimatedDuration?: number;
  readonly progress?: string;
  readonly resourcesDuration?: Readonly<Record<string, number>>;
  readonly podIP?: string;
  readonly daemoned?: boolean;
  readonly nodeFlag?: { readonly hooked?: boolean; readonly retried?: boolean };
  readonly inputs?: Inputs;
  readonly outputs?: Outputs;
  readonly children?: readonly string[];
  readonly outboundNodes?: readonly string[];
  readonly hostNodeName?: string;
  readonly memoizationStatus?: JsonObject;
  /** The lock that the node waits for. */
  readonly synchronizationStatus?: JsonObject | undefined;
};

export type WorkflowCondition = { readonly type: string; readonly status: string; readonly message?: string };

export type WorkflowStatus = {
  readonly phase?: WorkflowPhase;
  readonly message?: string;
  readonly startedAt?: string | null;
  readonly finishedAt?: string | null;
  readonly estimatedDuration?: number;
  readonly progress?: string;
  readonly nodes?: Readonly<Record<string, NodeStatus>>;
  readonly outputs?: Outputs;
  readonly conditions?: readonly WorkflowCondition[];
  readonly storedTemplates?: Readonly<Record<string, Template>>;
  readonly storedWorkflowTemplateSpec?: WorkflowSpec;
  readonly persistentVolumeClaims?: readonly JsonObject[];
  readonly resourcesDuration?: Readonly<Record<string, number>>;
  readonly synchronization?: JsonObject | undefined;
  readonly artifactRepositoryRef?: JsonObject;
  readonly artifactGCStatus?: JsonObject;
};

export type Workflow = KubeObject<WorkflowSpec, WorkflowStatus>;
export type WorkflowTemplate = KubeObject<WorkflowSpec>;

/** True for phases in which a node has ended by itself. */
export function isCompleted(phase: NodePhase | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Error';
}

/** True for a node that dependents need not wait for. */
export function isFulfilled(node: NodeStatus | undefined): boolean {
  if (!node) return false;
  const { phase } = node;
  return (
    isCompleted(phase) || phase === 'Skipped' || phase === 'Omitted' || (node.daemoned === true && phase !== 'Pending')
  );
}

/** True for a node that has a pod of its own, whatever it is shown as. */
export function hasPod({ type }: NodeStatus): boolean {
  return type === 'Pod' || type === 'HTTP';
}

/** True for Failed and Error. */
export function hasFailed(node: NodeStatus | undefined): boolean {
  return node?.phase === 'Failed' || node?.phase === 'Error';
}

/** True once a workflow will not change any more. */
export function isFinished(phase: WorkflowPhase | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Error';
}
