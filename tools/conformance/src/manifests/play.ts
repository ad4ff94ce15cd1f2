import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KubeObject, type Resource, resources } from '@sluice/model';
import { isKubeError, type KubeApi, KubeApiError } from '@sluice/reconcile';
import { isFinished, stopWorkflow, terminateWorkflow, validateManifest, type Workflow } from '@sluice/workflow';
import type { Outcome } from '../suite.ts';
import { checkAssertion } from './check.ts';
import type { Row } from './expectation.ts';
import { readManifests } from './read-manifests.ts';
import type { Stage } from './stage.ts';

const limitMs = 300_000;

/** Things that a row may need and this stage does not have. */
const missing: Readonly<Record<string, string>> = {
  'service-image': 'needs nginx on port 80',
};

/** Play one row: apply what it requires, submit it, wait for its end, look at everything. */
export async function playRow(stage: Stage, directory: string, row: Row): Promise<Outcome> {
  for (const need of row.needs) {
    const reason = missing[need];
    if (reason !== undefined) return { result: 'skipped', reason };
  }
  const namespace = await stage.makeNamespace();
  for (const file of row.requires)
    for (const object of readManifests(readFileSync(join(directory, file), 'utf8')))
      await createObject(stage.kube, namespace, object);
  const { expectedPhase, assert } = row;
  const wantsRefusal = expectedPhase.startsWith('rejected');
  let objects: readonly KubeObject[];
  try {
    objects = readManifests(readFileSync(join(directory, row.file), 'utf8'));
  } catch (error) {
    return verdict(wantsRefusal ? [] : [`the file cannot be read: ${String(error)}`], expectedPhase);
  }
  if (wantsRefusal) {
    const refusals = await refusalsOf(stage.kube, namespace, objects);
    return verdict(refusals.length > 0 ? [] : ['it was accepted'], expectedPhase);
  }
  const created: KubeObject[] = [];
  for (const object of objects) {
    try {
      created.push(await createObject(stage.kube, namespace, withParameters(object, assert.parameters)));
    } catch (error) {
      if (expectedPhase.includes('invalid spec') || expectedPhase.includes('malformed')) return { result: 'passed' };
      return verdict([`refused by the API: ${String(error)}`], expectedPhase);
    }
  }
  const run = await runOf(stage.kube, namespace, created, expectedPhase);
  if (!run) return verdict(expectedPhase.startsWith('n/a') ? [] : ['there is no Workflow in it'], expectedPhase);
  return playRun({ stage, namespace, row }, run);
}

type Playing = { readonly stage: Stage; readonly namespace: string; readonly row: Row };

async function playRun({ stage, namespace, row }: Playing, run: KubeObject): Promise<Outcome> {
  const { expectedPhase, assert } = row;
  const phases = phasesOf(expectedPhase);
  const key = { namespace, name: run.metadata.name };
  const workflow = await follow(stage.kube, key, phases, assert.after);
  const phase = workflow?.status?.phase ?? '';
  if (!workflow) return verdict([`after ${limitMs} ms it has not come to an end`], expectedPhase);
  const isWanted = phases.includes('Suspended') ? phase === 'Running' : phases.includes(phase);
  const problems = isWanted ? [] : [phaseText(workflow)];
  return verdict([...problems, ...(await checkAssertion({ stage, workflow, namespace }, assert))], expectedPhase);
}

function phaseText({ status }: Workflow): string {
  const failed = Object.values(status?.nodes ?? {}).filter((node) => node.message);
  const told = failed.map((node) => `; ${node.displayName}: ${node.phase}: ${node.message}`).join('');
  return `phase ${status?.phase ?? ''} (${status?.message ?? ''})${told}`;
}

function verdict(problems: readonly string[], wanted: string): Outcome {
  return problems.length === 0 ? { result: 'passed' } : { result: 'failed', wanted, got: problems.join('; ') };
}

/** Phases that are right; a text in brackets tells only what happens on the way. */
function phasesOf(expected: string): readonly string[] {
  const inner = /^n\/a\(run: (.*)\)$/.exec(expected)?.[1] ?? expected;
  if (inner.includes('invalid spec')) return ['Failed', 'Error'];
  return inner.replace(/\(.*\)/, '').split('|');
}

function withParameters(object: KubeObject, given: Row['assert']['parameters']): KubeObject {
  if (!given || object.kind !== 'Workflow') return object;
  const pairs: readonly (readonly [string, string])[] = Array.isArray(given)
    ? (given as readonly string[]).map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)])
    : Object.entries(given as Readonly<Record<string, string>>);
  const spec = (object.spec ?? {}) as {
    readonly arguments?: { readonly parameters?: readonly { readonly name: string }[] };
  };
  const names = new Set(pairs.map(([name]) => name));
  const others = (spec.arguments?.parameters ?? []).filter(({ name }) => !names.has(name));
  const parameters = [...others, ...pairs.map(([name, value]) => ({ name, value }))];
  return { ...object, spec: { ...spec, arguments: { ...spec.arguments, parameters } } };
}

/** What lint says against the objects, as `sluice submit` asks it before it sends anything. */
async function refusalsOf(
  kube: KubeApi,
  namespace: string,
  objects: readonly KubeObject[],
): Promise<readonly string[]> {
  const problems = objects.flatMap((object) => validateManifest(object, { unknownFields: 'error' }));
  const errors = problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
  if (errors.length > 0) return errors;
  for (const object of objects) {
    const refused = await kube
      .create(resourceOf(object), placed(object, namespace), { dryRun: true })
      .then(() => undefined)
      .catch((error: unknown) => error);
    if (refused instanceof KubeApiError && refused.reason !== 'AlreadyExists') errors.push(refused.message);
  }
  return errors;
}

function resourceOf({ kind }: KubeObject): Resource {
  const found = Object.values(resources).find((resource) => resource.kind === kind);
  if (!found) throw new Error(`the player knows no kind ${kind}`);
  return found;
}

function placed(object: KubeObject, namespace: string): KubeObject {
  const { namespace: _own, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(resourceOf(object).namespaced ? { namespace } : {}) } };
}

async function createObject(kube: KubeApi, namespace: string, object: KubeObject): Promise<KubeObject> {
  const made = placed(object, namespace);
  try {
    return await kube.create(resourceOf(object), made);
  } catch (error) {
    // Objects of the cluster are shared by all cases.
    if (!isKubeError(error, 'AlreadyExists')) throw error;
    return made;
  }
}

/** The run to follow: the Workflow of the file, or one made from its template. */
async function runOf(
  kube: KubeApi,
  namespace: string,
  created: readonly KubeObject[],
  expected: string,
): Promise<KubeObject | undefined> {
  const workflow = created.find(({ kind }) => kind === 'Workflow');
  if (workflow) return workflow;
  const template = created.find(({ kind }) => kind === 'WorkflowTemplate' || kind === 'ClusterWorkflowTemplate');
  if (!template || !expected.startsWith('n/a(run:')) return undefined;
  const clusterScope = template.kind === 'ClusterWorkflowTemplate' ? { clusterScope: true } : {};
  return createObject(kube, namespace, {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name: '', generateName: 'run-' },
    spec: { workflowTemplateRef: { name: template.metadata.name, ...clusterScope } },
  });
}

const quietMs = 1_000;

/** Follow a run to its end, or until nothing more happens to a suspended one. */
async function follow(
  kube: KubeApi,
  key: { readonly namespace: string; readonly name: string },
  phases: readonly string[],
  after: string | undefined,
): Promise<Workflow | undefined> {
  const signal = AbortSignal.timeout(limitMs);
  const { namespace } = key;
  let acted = after === undefined || !/^(?:stop|terminate)/.test(after);
  let last: Workflow | undefined;
  const quiet = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  try {
    const options = { namespace, sendInitialEvents: true, signal: AbortSignal.any([signal, quiet.signal]) };
    for await (const event of kube.watch<Workflow>(resources.workflows, options)) {
      if (event.type === 'BOOKMARK' || event.object.metadata.name !== key.name) continue;
      last = event.object;
      clearTimeout(timer);
      if (isFinished(last.status?.phase) && last.metadata.labels?.['workflows.argoproj.io/completed'] === 'true')
        return last;
      if (phases.includes('Suspended') && isWaiting(last)) timer = setTimeout(() => quiet.abort(), quietMs);
      if (!acted && mayAct(last, after ?? '')) {
        acted = true;
        await act(kube, last, after ?? '');
      }
    }
  } catch (error) {
    if (!signal.aborted && !quiet.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  return quiet.signal.aborted ? last : undefined;
}

function isWaiting({ status }: Workflow): boolean {
  const live = Object.values(status?.nodes ?? {}).filter(
    (node) => node.phase === 'Running' || node.phase === 'Pending',
  );
  return live.some(({ type }) => type === 'Suspend') && !live.some(({ type }) => type === 'Pod');
}

function mayAct({ status }: Workflow, after: string): boolean {
  const running = Object.values(status?.nodes ?? {}).filter((node) => node.type === 'Pod' && node.phase === 'Running');
  return after.includes('exit handler') ? running.some((node) => node.name.includes('.onExit')) : running.length > 0;
}

async function act(kube: KubeApi, workflow: Workflow, after: string): Promise<void> {
  const result = after.startsWith('stop') ? stopWorkflow(workflow, undefined, Date.now()) : terminateWorkflow();
  if (!result.ok) throw new Error(`${after}: ${result.message}`);
  const key = { namespace: workflow.metadata.namespace ?? '', name: workflow.metadata.name };
  await kube.patch(resources.workflows, key, { type: 'merge', body: result.patch });
}
