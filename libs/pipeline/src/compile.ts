import {
  apiVersionOf,
  keys,
  resources,
  type DeployRequest,
  type JsonObject,
  type KubeObject,
  type OwnerReference,
} from '@sluice/model';
import { chartUrl, digestParameterOf, imageUrl } from './artifact-name.ts';
import { compileCheckout, compileStep, workspaceVolume, type StepContext } from './compile-step.ts';
import { compileArgoSpec } from './compile-argo.ts';
import type { AnyPipeline, Deploy, Pipeline, Step } from './pipeline.ts';
import { workflowName } from './workflow-name.ts';

/** Everything about one run that is not in the pipeline file. */
export type CompileContext = StepContext & {
  readonly namespace: string;
  readonly repositoryUid: string;
  readonly triggerKey: string;
  readonly trust: 'trusted' | 'untrusted';
  /** See keys.order in @sluice/model. */
  readonly order: number;
  readonly delivery?: string;
  /** See keys.check in @sluice/model. */
  readonly check?: string;
  /** The entries of `spec.deploy` that this run releases when it succeeded: libs/trigger decides. */
  readonly deploys: readonly Deploy[];
  readonly owner?: OwnerReference;
};

/** The entrypoint of every compiled Workflow. */
export const entrypoint = 'pipeline';

/** An Argo Workflow manifest, ready to be created. */
export type CompiledWorkflow = KubeObject<JsonObject> & { readonly spec: JsonObject };

/** Turn a pipeline into the Workflow of one run. The same pipeline and context give the same Workflow, byte for byte. */
export function compile(pipeline: AnyPipeline, context: CompileContext): CompiledWorkflow {
  const { repository, namespace } = context;
  const name = workflowName({ ...context, pipeline: pipeline.name });
  return {
    apiVersion: apiVersionOf(resources.workflows),
    kind: resources.workflows.kind,
    metadata: {
      name,
      namespace,
      labels: {
        [keys.repository]: repository,
        [keys.pipeline]: pipeline.name,
        [keys.sha]: context.sha,
        [keys.event]: context.event,
        ...(context.pullRequest === undefined ? {} : { [keys.pullRequest]: String(context.pullRequest) }),
      },
      annotations: annotationsOf(pipeline, context),
      ...(context.owner ? { ownerReferences: [context.owner] } : {}),
    },
    spec: {
      ...specOf(pipeline, context),
      ...(context.trust === 'untrusted' ? { automountServiceAccountToken: false } : {}),
    },
  };
}

function specOf(pipeline: AnyPipeline, context: CompileContext): JsonObject {
  if (pipeline.kind === 'argo') return compileArgoSpec(pipeline, context);
  return {
    entrypoint,
    activeDeadlineSeconds: pipeline.timeoutSeconds,
    volumeClaimTemplates: [workspaceVolume],
    volumeClaimGC: { strategy: 'OnWorkflowCompletion' },
    templates: [
      { name: entrypoint, dag: { tasks: tasksOf(pipeline.steps) } },
      compileCheckout(pipeline, context),
      ...pipeline.steps.map((step) => compileStep(pipeline, step, context)),
    ],
  };
}

function tasksOf(steps: readonly Step[]): JsonObject[] {
  const checkout = { name: 'checkout', template: 'checkout' };
  const tasks = steps.map(({ name, needs }) => ({
    name,
    template: name,
    dependencies: needs.length > 0 ? needs : [checkout.name],
  }));
  return [checkout, ...tasks];
}

function annotationsOf(pipeline: AnyPipeline, context: CompileContext): Record<string, string> {
  const { ref, triggerKey, trust, order, delivery, check, deploys } = context;
  const requests = pipeline.kind === 'argo' ? [] : deploys.map((deploy) => deployRequestOf(deploy, pipeline, context));
  return {
    [keys.ref]: ref,
    [keys.triggerKey]: triggerKey,
    [keys.trust]: trust,
    [keys.order]: String(order),
    ...(delivery === undefined ? {} : { [keys.delivery]: delivery }),
    ...(check === undefined ? {} : { [keys.check]: check }),
    ...(requests.length > 0 && trust === 'trusted' ? { [keys.deploy]: JSON.stringify(requests) } : {}),
  };
}

function deployRequestOf(deploy: Deploy, pipeline: Pipeline, context: CompileContext): DeployRequest {
  const chart = pipeline.steps.find(({ name }) => name === deploy.chart);
  const images = deploy.images.flatMap((name) => {
    const step = pipeline.steps.find((each) => each.name === name);
    if (step?.kind !== 'image') return [];
    return [{ name, url: imageUrl(step.package.name, context), digestParameter: digestParameterOf(name) }];
  });
  return {
    environment: deploy.environment,
    release: deploy.release ?? context.repository.slice(0, 53).replaceAll(/-+$/g, ''),
    chart: {
      url: chartUrl(chart?.kind === 'chart' ? chart.package.name : undefined, context),
      digestParameter: digestParameterOf(deploy.chart),
    },
    images,
    ...(Object.keys(deploy.values).length > 0 ? { values: deploy.values } : {}),
  };
}
