import { type KubeObject, resources } from '@sluice/model';
import { type NodeStatus, podNameOf, type Workflow } from '@sluice/workflow';
import type { Stage } from './stage.ts';
import type { Assertion, NodeAssertion, ObjectAssertion } from './expectation.ts';

/** A run that has come to its end, and where its logs and objects are. */
export type Finished = { readonly stage: Stage; readonly workflow: Workflow; readonly namespace: string };

const collapse = (text: unknown): string =>
  (typeof text === 'string' ? text : text === undefined || text === null ? '' : JSON.stringify(text))
    .replace(/\r\n?/g, '\n')
    .trim();
const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/** Everything that does not hold, as lines for people. */
export async function checkAssertion(finished: Finished, assertion: Assertion): Promise<readonly string[]> {
  const { workflow } = finished;
  const nodes = Object.values(workflow.status?.nodes ?? {});
  const problems = [...allNodesProblems(workflow, nodes, assertion), ...workflowProblems(workflow, nodes, assertion)];
  for (const [key, wanted] of Object.entries(assertion.log ?? {}))
    problems.push(...(await logProblems(finished, nodes, key, list(wanted))));
  problems.push(...(await anyLogProblems(finished, nodes, assertion.anyLog ?? [])));
  for (const wanted of assertion.objects ?? []) problems.push(...(await objectProblems(finished, wanted)));
  if (assertion.anyOf) {
    const all = await Promise.all(assertion.anyOf.map((one) => checkAssertion(finished, one)));
    if (all.every((one) => one.length > 0)) problems.push(`none of: ${all.map((one) => one.join(', ')).join(' | ')}`);
  }
  return problems;
}

function allNodesProblems(workflow: Workflow, nodes: readonly NodeStatus[], assertion: Assertion): readonly string[] {
  const problems: string[] = [];
  for (const [key, wanted] of Object.entries(assertion.nodes ?? {})) {
    const found = findNodes(workflow, nodes, key);
    const [node] = found;
    if (found.length !== 1 || !node) problems.push(`node ${key}: ${found.length} match`);
    else problems.push(...nodeProblems(node, wanted).map((problem) => `node ${key}: ${problem}`));
  }
  for (const key of assertion.absentNodes ?? [])
    if (findNodes(workflow, nodes, key).length > 0) problems.push(`node ${key}: wanted absent`);
  if (assertion.anyNode && !nodes.some((node) => nodeProblems(node, assertion.anyNode ?? {}).length === 0))
    problems.push(`no node is ${JSON.stringify(assertion.anyNode)}`);
  return problems;
}

function workflowProblems(workflow: Workflow, nodes: readonly NodeStatus[], assertion: Assertion): readonly string[] {
  const { metadata, status } = workflow;
  const entry = nodes.find((node) => node.name === metadata.name);
  const problems = [...parameterProblems('outputs', entry?.outputs?.parameters, assertion.outputs?.parameters)];
  if (!collapse(status?.message).includes(collapse(assertion.messageContains)))
    problems.push(`message: wanted ${assertion.messageContains}, got ${status?.message}`);
  for (const [label, wanted] of Object.entries(assertion.labels ?? {}))
    if (metadata.labels?.[label] !== wanted)
      problems.push(`label ${label}: wanted ${wanted}, got ${metadata.labels?.[label]}`);
  const pods = nodes.filter(({ type }) => type === 'Pod').length;
  if (assertion.pods !== undefined && pods !== assertion.pods)
    problems.push(`pods: wanted ${assertion.pods}, got ${pods}`);
  return problems;
}

function findNodes(workflow: Workflow, nodes: readonly NodeStatus[], key: string): readonly NodeStatus[] {
  const isFull = /^[.[(]/.test(key);
  const wanted = key === '.' ? workflow.metadata.name : isFull ? workflow.metadata.name + key : key;
  const parts = wanted.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  const pattern = new RegExp(`^${parts.join('.*')}$`, 's');
  return nodes.filter((node) => pattern.test(isFull ? node.name : node.displayName));
}

function nodeProblems(node: NodeStatus, wanted: NodeAssertion): readonly string[] {
  const problems: string[] = [];
  if (wanted.phase !== undefined && node.phase !== wanted.phase)
    problems.push(`wanted ${wanted.phase}, got ${node.phase} (${node.message ?? ''})`);
  if (wanted.phaseIn && !wanted.phaseIn.includes(node.phase ?? ''))
    problems.push(`wanted one of ${wanted.phaseIn.join(', ')}, got ${node.phase}`);
  if (wanted.type !== undefined && node.type !== wanted.type)
    problems.push(`wanted type ${wanted.type}, got ${node.type}`);
  for (const part of list(wanted.messageContains))
    if (!collapse(node.message).includes(part)) problems.push(`message: wanted ${part}, got ${node.message}`);
  problems.push(...parameterProblems('outputs', node.outputs?.parameters, wanted.outputs?.parameters));
  problems.push(...parameterProblems('inputs', node.inputs?.parameters, wanted.inputs?.parameters));
  return problems;
}

type Named = readonly { readonly name: string; readonly value?: unknown }[];

function parameterProblems(
  what: string,
  got: Named | undefined,
  wanted: Readonly<Record<string, unknown>> | undefined,
): readonly string[] {
  return Object.entries(wanted ?? {}).flatMap(([name, value]) => {
    const found = got?.find((parameter) => parameter.name === name)?.value;
    return collapse(found) === collapse(value)
      ? []
      : [`${what}.${name}: wanted ${String(value)}, got ${String(found)}`];
  });
}

async function logProblems(
  finished: Finished,
  nodes: readonly NodeStatus[],
  key: string,
  wanted: readonly string[],
): Promise<readonly string[]> {
  const [node] = findNodes(finished.workflow, nodes, key);
  if (!node) return [`log of ${key}: there is no such node`];
  const text = await logOf(finished, nodes, node);
  return wanted
    .filter((part) => !text.includes(collapse(part)))
    .map((part) => `log of ${key}: wanted ${JSON.stringify(part)}, got ${JSON.stringify(text.slice(-300))}`);
}

async function anyLogProblems(
  finished: Finished,
  nodes: readonly NodeStatus[],
  wanted: readonly string[],
): Promise<readonly string[]> {
  if (wanted.length === 0) return [];
  const pods = nodes.filter(({ type }) => type === 'Pod');
  const texts = await Promise.all(pods.map((node) => logOf(finished, nodes, node)));
  return wanted
    .filter((part) => !texts.some((text) => text.includes(collapse(part))))
    .map((part) => `no log holds ${part}`);
}

/** The whole log, and the log without what `sh -x` tells of itself: the expectations are of standard output alone. */
async function logOf(
  { stage, workflow, namespace }: Finished,
  nodes: readonly NodeStatus[],
  node: NodeStatus,
): Promise<string> {
  const ofSet = node.type === 'Container';
  const owner = ofSet ? nodes.find(({ id }) => id === node.boundaryID) : lastAttempt(nodes, node);
  if (!owner) return '';
  const name = podNameOf(workflow.metadata.name, owner.name, owner.templateRef?.template ?? owner.templateName ?? '');
  const container = ofSet ? node.displayName : 'main';
  try {
    let text = '';
    for await (const chunk of stage.kube.logs({ namespace, name }, { container }))
      text += Buffer.from(chunk).toString('utf8');
    return collapse(`${text}\n\u0000${text.replace(/^\++ .*\n/gm, '')}`);
  } catch (error) {
    return `(${String(error)})`;
  }
}

/** The pod of a node; of a retried one the last attempt. */
function lastAttempt(nodes: readonly NodeStatus[], node: NodeStatus): NodeStatus | undefined {
  if (node.type !== 'Retry') return node;
  const attempts = nodes.filter(({ name }) => name.startsWith(`${node.name}(`));
  return attempts.at(-1);
}

async function objectProblems(
  { stage: { kube }, workflow, namespace }: Finished,
  wanted: ObjectAssertion,
): Promise<readonly string[]> {
  const { kind, name, generateName, exists = true } = wanted;
  const shown = `${kind} ${name ?? `${generateName}*`}`;
  const resource = Object.values(resources).find((one) => one.kind === kind);
  if (!resource) return [`the player knows no kind ${kind}`];
  const { items } = await kube.list<KubeObject & { readonly data?: unknown }>(resource, { namespace });
  const found = items.find(({ metadata }) =>
    name === undefined ? metadata.name.startsWith(generateName ?? '') : metadata.name === name,
  );
  if (!found) return exists ? [`${shown}: is not there`] : [];
  if (!exists) return [`${shown}: wanted absent`];
  const problems: string[] = [];
  const owned = found.metadata.ownerReferences?.some(({ uid }) => uid === workflow.metadata.uid) === true;
  if (wanted.ownedByWorkflow === true && !owned) problems.push(`${shown}: is not owned by the workflow`);
  for (const [key, value] of Object.entries(wanted.data ?? {})) {
    const got = (found.data as Readonly<Record<string, unknown>> | undefined)?.[key];
    if (collapse(got) !== collapse(value))
      problems.push(`${shown}: ${key}: wanted ${String(value)}, got ${String(got)}`);
  }
  const phase = (found.status as { readonly phase?: string } | undefined)?.phase;
  if (wanted.phase !== undefined && phase !== wanted.phase)
    problems.push(`${shown}: wanted ${wanted.phase}, got ${phase}`);
  return problems;
}
