import type { JsonObject, PodTask } from '@sluice/model';
import {
  containersOf,
  endContainers,
  ensureContainerNodes,
  loseContainers,
  observeContainers,
} from './container-set.ts';
import { podNameOf } from './node-name.ts';
import type { Action, PodObservation } from './action.ts';
import { exportGlobals } from './outputs.ts';
import { taskOf } from './pod-task.ts';
import { locateArtifacts, type PodArtifacts } from './pod-artifacts.ts';
import { locationKinds } from './artifact-location.ts';
import { countActive, endDaemon, type Executed, formatTime, markPhase, type Pass } from './pass.ts';
import { isResultRead } from './result-readers.ts';
import { nodeLayer } from './template-inputs.ts';
import { globalLayer } from './global-layer.ts';
import { joinLayers, substitute } from './variables.ts';
import { ensureNode, type RunContext } from './run-context.ts';
import {
  type Artifact,
  hasPod,
  isFulfilled,
  type NodeStatus,
  type Outputs,
  type Parameter,
  type Template,
} from './workflow-types.ts';
import { endingMessage, podNameOfNode, shutdownMessage } from './deadline.ts';

/** Run a template with a pod: make the node, and the pod while none is seen. Creating one that exists counts as done. */
export function runPod(run: RunContext): Executed {
  const { pass, request, prepared } = run;
  const { template } = prepared;
  const name = request.nodeName;
  const exempt = request.onExit || name.includes('.onExit');
  const node = ensureNode(run, run.type === 'HTTP' ? 'HTTP' : 'Pod', 'Pending');
  if (template.containerSet) ensureContainerNodes(run, node);
  if (endingMessage(pass) !== undefined && !(exempt && pass.shutdown !== 'Terminate') && !pass.pods.has(node.id)) {
    const message = pass.shutdown === undefined ? 'Step exceeded its deadline' : shutdownMessage(pass.shutdown);
    endContainers(pass, node, 'Failed', message);
    return { node: markPhase(pass, name, 'Failed', message) ?? node };
  }
  if (node.phase !== 'Pending' || pass.pods.has(node.id)) return { node };
  const unresolved = /\{\{\s*(workflow\.outputs\.[^{}]+?)\s*\}\}/.exec(JSON.stringify(template.inputs ?? {}))?.[1];
  if (unresolved !== undefined)
    return { node: markPhase(pass, name, 'Error', `failed to resolve {{${unresolved}}}`) ?? node };
  const work = workOf(run);
  if (work.kind === 'problem') return { node: markPhase(pass, name, 'Error', work.message) ?? node };
  if (work.kind === 'found') pass.actions.push({ ...createPodAction(run, node, exempt, work.artifacts), ...work.task });
  return { node };
}

type Work =
  | { readonly kind: 'found'; readonly artifacts: PodArtifacts | undefined; readonly task: { readonly task?: PodTask } }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'problem'; readonly message: string };

/** What the pod brings, keeps and does. `waiting`: the artifact repository must be read first. */
function workOf({ pass, prepared }: RunContext): Work {
  const { template, variables } = prepared;
  const located = locateArtifacts(pass, template, variables, mainContainersOf(template));
  if (located.kind === 'problem') return located;
  const asked = taskOf(pass, template);
  if (asked.kind === 'problem') return asked;
  if (located.kind === 'waiting' || asked.kind === 'waiting') return { kind: 'waiting' };
  return { kind: 'found', artifacts: located.artifacts, task: asked.kind === 'task' ? { task: asked.task } : {} };
}

/** Containers of a pod that do its work; the others only help. */
function mainContainersOf(template: Template): readonly string[] {
  return template.containerSet ? containersOf(template).map(({ name }) => name) : ['main'];
}

function createPodAction(
  run: RunContext,
  node: NodeStatus,
  onExit: boolean,
  artifacts: PodArtifacts | undefined,
): Extract<Action, { kind: 'CreatePod' }> {
  const { pass, request, prepared, context } = run;
  const { template } = prepared;
  const foreign = context.podMetadata && context.scope !== pass.local.scope;
  return {
    kind: 'CreatePod',
    nodeId: node.id,
    nodeName: node.name,
    podName: podNameOf(pass.name, node.name, request.call.templateRef?.template ?? request.call.template ?? ''),
    template,
    captureResult: isResultRead(run),
    onExit,
    ...(foreign && context.podMetadata ? { podMetadata: context.podMetadata } : {}),
    ...schedulingOf(run),
    ...patchesOf(run),
    ...(run.avoidHosts ? { avoidHosts: run.avoidHosts } : {}),
    ...podDeadline(run, onExit),
    ...(artifacts ? { artifacts } : {}),
  };
}

function schedulingOf({ pass, request }: RunContext): { scheduling?: JsonObject } {
  const scheduling = request.boundaryId === undefined ? undefined : pass.scheduling.get(request.boundaryId);
  return scheduling ? { scheduling } : {};
}

/** Pod spec patches, the workflow's before the template's, with their tags replaced. */
function patchesOf({ pass, prepared }: RunContext): { podSpecPatches?: readonly string[] } {
  const patches = [pass.spec['podSpecPatch'], prepared.template['podSpecPatch']].filter(
    (patch) => typeof patch === 'string' && patch !== '',
  );
  if (patches.length === 0) return {};
  const filled = substitute({ patches: patches.map(String) }, prepared.variables, { keepUnresolved: true });
  return { podSpecPatches: filled.ok ? filled.value.patches : patches.map(String) };
}

function podDeadline({ pass, deadlineAt }: RunContext, onExit: boolean): { deadlineAt?: number } {
  const ends = [deadlineAt, onExit ? undefined : pass.deadlineAt].filter((at) => at !== undefined);
  return ends.length === 0 ? {} : { deadlineAt: Math.min(...ends) };
}

/** Take over what became of the pods of nodes that have not ended. */
export function observePods(pass: Pass): void {
  for (const node of pass.nodes.live()) {
    if (!hasPod(node) || (isFulfilled(node) && !node.daemoned)) continue;
    const observed = pass.pods.get(node.id);
    if (observed) applyObservation(pass, node, observed);
    else if (node.phase === 'Running') {
      endDaemon(pass, node);
      markPhase(pass, node.name, 'Error', 'pod deleted');
      loseContainers(pass, node);
    }
  }
}

function applyObservation(pass: Pass, node: NodeStatus, seen: PodObservation): void {
  const known = {
    ...(seen.hostNodeName ? { hostNodeName: seen.hostNodeName } : {}),
    ...(seen.podIP ? { podIP: seen.podIP } : {}),
    ...(seen.progress ? { progress: seen.progress } : {}),
  };
  pass.nodes.update(node.id, known);
  observeContainers(pass, node, seen);
  if (seen.phase === 'Pending') {
    if (seen.message) pass.nodes.update(node.id, { message: seen.message });
    return;
  }
  const template = declarationsOf(pass, node);
  if (seen.phase === 'Running') {
    const daemoned = template?.daemon === true && seen.ready === true;
    markPhase(pass, node.name, 'Running', node.phase === 'Pending' && node.message ? '' : undefined);
    if (daemoned && !node.daemoned) {
      pass.nodes.update(node.id, { daemoned: true });
      countActive(pass, node, -1);
    }
    return;
  }
  endDaemon(pass, node);
  if (seen.lingering && !seen.deleting)
    pass.actions.push({
      kind: 'DeletePod',
      nodeId: node.id,
      podName: podNameOfNode(pass, node),
      reason: 'SidecarsNotNeeded',
    });
  finishPod(pass, node, seen, template);
}

/** The node's template with the tags in its outputs replaced: a global name or a value may come from an input. */
function declarationsOf(pass: Pass, node: NodeStatus): Template | undefined {
  const template = templateOf(pass, node);
  if (!template?.outputs) return template;
  const layer = nodeLayer(pass, node.name, template, node.inputs ?? {});
  const filled = substitute(template.outputs, joinLayers(layer, globalLayer(pass)), { keepUnresolved: true });
  return filled.ok && filled.value !== template.outputs ? { ...template, outputs: filled.value } : template;
}

/** The template as it was when the node was made, without its tags replaced. */
function templateOf(pass: Pass, node: NodeStatus): Template | undefined {
  if (node.templateRef) {
    const { name, template, clusterScope } = node.templateRef;
    return pass.storedTemplates.get(`${clusterScope ? 'cluster' : 'namespaced'}/${name}/${template}`);
  }
  const scope = node.templateScope ?? pass.local.scope;
  if (node.templateName)
    return (
      (scope === pass.local.scope ? pass.local.find(node.templateName) : undefined) ??
      pass.storedTemplates.get(`${scope}/${node.templateName}`)
    );
  return undefined;
}

function finishPod(pass: Pass, node: NodeStatus, seen: PodObservation, template: Template | undefined): void {
  const outputs = outputsOf(seen, template);
  const failed = seen.phase === 'Succeeded' ? outputs.problem : undefined;
  const phase =
    failed === undefined ? (seen.phase === 'Pending' || seen.phase === 'Running' ? 'Running' : seen.phase) : 'Error';
  const message = failed ?? seen.message ?? (node.message ? '' : undefined);
  const progress = node.progress ?? '0/1';
  pass.nodes.update(node.id, {
    ...(outputs.outputs ? { outputs: outputs.outputs } : {}),
    ...(seen.resourcesDuration ? { resourcesDuration: seen.resourcesDuration } : {}),
    ...(phase === 'Succeeded' ? { progress: progress.replace(/^\d+\/(\d+)$/, '$1/$1') } : {}),
  });
  markPhase(pass, node.name, phase, message);
  const finishedAt = seen.finishedAt ?? formatTime(pass.now);
  pass.nodes.update(node.id, { finishedAt });
  if (phase === 'Succeeded') exportGlobals(pass, outputs.outputs);
}

function outputsOf(
  seen: PodObservation,
  template: Template | undefined,
): { readonly outputs?: Outputs; readonly problem?: string } {
  const { parameters, problem } = parametersOf(seen, template);
  const artifacts = artifactsOf(seen, template);
  const outputs: Outputs = {
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(artifacts.length > 0 ? { artifacts } : {}),
    ...(seen.result === undefined ? {} : { result: seen.result }),
    ...(seen.exitCode === undefined ? {} : { exitCode: String(seen.exitCode) }),
  };
  return {
    ...(Object.keys(outputs).length > 0 ? { outputs } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

function parametersOf(
  seen: PodObservation,
  template: Template | undefined,
): { readonly parameters: readonly Parameter[]; readonly problem: string | undefined } {
  const parameters: Parameter[] = [];
  let problem: string | undefined;
  for (const declared of template?.outputs?.parameters ?? []) {
    const { valueFrom, ...rest } = declared;
    const value = seen.parameters?.[declared.name] ?? valueFrom?.default ?? declared.value;
    parameters.push(value === undefined ? declared : { ...rest, value });
    if (value === undefined && valueFrom?.path !== undefined) {
      problem ??= `output parameter '${declared.name}': nothing was found at ${valueFrom.path}`;
    }
  }
  return { parameters, problem };
}

/** The artifacts that were saved; a pod that failed saved what its reader says, else nothing. */
function artifactsOf(seen: PodObservation, template: Template | undefined): readonly Artifact[] {
  const declared = template?.outputs?.artifacts ?? [];
  if (!seen.artifacts) return seen.phase === 'Succeeded' ? declared : [];
  const names = new Set(declared.map(({ name }) => name));
  const logs = seen.artifacts.filter((name) => !names.has(name)).map((name) => ({ name }));
  const kept = declared.filter(({ name }) => seen.artifacts?.includes(name));
  return [...kept, ...logs].map((artifact) => placedAt(artifact, seen.locations?.[artifact.name]));
}

/** The artifact with the place where it was saved in place of the one that was declared. */
function placedAt(artifact: Artifact, location: JsonObject | undefined): Artifact {
  if (!location) return artifact;
  const rest = Object.entries(artifact).filter(([field]) => !locationKinds.has(field));
  return { name: artifact.name, ...Object.fromEntries(rest), ...location };
}
