import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { KubeObject } from '@sluice/model';
import type { Parameter, Workflow, WorkflowSpec } from '@sluice/workflow';
import { parse } from 'yaml';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Io } from './io.ts';

/** What a submission may change of the workflow. */
export type SubmissionOptions = {
  readonly parameter?: readonly string[];
  readonly parameterFile?: string;
  readonly name?: string;
  readonly generateName?: string;
  readonly entrypoint?: string;
  readonly serviceaccount?: string;
  readonly priority?: string;
  readonly labels?: string;
  readonly annotations?: string;
};

/** Read a text file; `-` is standard input. Throws a CommandError for one that cannot be read. */
export async function readText(file: string, io: Io): Promise<string> {
  try {
    return await readFile(file === '-' ? '/dev/stdin' : resolve(io.cwd, file), 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandError(exitCodes.notFound, `${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  }
}

/** Parameters from `-p name=value` and from a file of YAML or JSON; the former win. */
export async function givenParameters(
  { parameter = [], parameterFile }: Pick<SubmissionOptions, 'parameter' | 'parameterFile'>,
  io: Io,
): Promise<Readonly<Record<string, string>>> {
  const given: Record<string, string> = parameterFile ? await fileParameters(parameterFile, io) : {};
  for (const text of parameter) {
    const at = text.indexOf('=');
    if (at < 1) throw new CommandError(exitCodes.usage, `-p ${text}: must read name=value`);
    given[text.slice(0, at)] = text.slice(at + 1);
  }
  return given;
}

async function fileParameters(file: string, io: Io): Promise<Record<string, string>> {
  const value: unknown = parse(await readText(file, io), { maxAliasCount: 100 });
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CommandError(exitCodes.usage, `${file}: must hold an object with a value for each parameter`);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, typeof item === 'string' ? item : JSON.stringify(item)]),
  );
}

function pairs(option: string, text: string | undefined): Readonly<Record<string, string>> {
  const parts = (text ?? '').split(',').filter((part) => part !== '');
  return Object.fromEntries(
    parts.map((part) => {
      const at = part.indexOf('=');
      if (at < 1) throw new CommandError(exitCodes.usage, `--${option} ${part}: must read name=value`);
      return [part.slice(0, at), part.slice(at + 1)];
    }),
  );
}

/** The workflow as it is submitted: with what the options say in place of what it says. */
export function withOptions(
  workflow: Workflow,
  options: SubmissionOptions,
  parameters: Readonly<Record<string, string>>,
): Workflow {
  const { metadata, spec = {} } = workflow;
  const { generateName: _prefix, name: _name, ...unnamed } = metadata as typeof metadata & { generateName?: string };
  const naming = options.name
    ? { ...unnamed, name: options.name }
    : options.generateName
      ? { ...unnamed, generateName: options.generateName }
      : metadata;
  const labels = { ...metadata.labels, ...pairs('labels', options.labels) };
  const annotations = { ...metadata.annotations, ...pairs('annotations', options.annotations) };
  const priority = options.priority === undefined ? undefined : Number(options.priority);
  if (priority !== undefined && !Number.isInteger(priority))
    throw new CommandError(exitCodes.usage, `--priority ${options.priority}: must be a whole number`);
  return {
    ...workflow,
    metadata: {
      ...naming,
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    } as Workflow['metadata'],
    spec: {
      ...withParameters(spec, parameters),
      ...(options.entrypoint ? { entrypoint: options.entrypoint } : {}),
      ...(options.serviceaccount ? { serviceAccountName: options.serviceaccount } : {}),
      ...(priority === undefined ? {} : { priority }),
    },
  };
}

function withParameters(spec: WorkflowSpec, values: Readonly<Record<string, string>>): WorkflowSpec {
  const names = Object.keys(values);
  if (names.length === 0) return spec;
  const kept = (spec.arguments?.parameters ?? []).filter(({ name }) => !Object.hasOwn(values, name));
  const given = names.map((name): Parameter => ({ name, value: values[name] ?? '' }));
  return { ...spec, arguments: { ...spec.arguments, parameters: [...kept, ...given] } };
}

/** Words of `--from`, with what each is called in a reference. */
const sources: Readonly<Record<string, 'template' | 'cluster' | 'cron'>> = {
  workflowtemplate: 'template',
  wftmpl: 'template',
  clusterworkflowtemplate: 'cluster',
  cwft: 'cluster',
  cronworkflow: 'cron',
  cronwf: 'cron',
  cwf: 'cron',
};

/** What `--from KIND/NAME` names. */
export function parseSource(text: string): { readonly kind: 'template' | 'cluster' | 'cron'; readonly name: string } {
  const [word = '', name = '', ...more] = text.split('/');
  const kind = sources[word.toLowerCase()];
  if (!kind || name === '' || more.length > 0)
    throw new CommandError(
      exitCodes.usage,
      `--from ${text}: must read KIND/NAME; KIND is workflowtemplate, clusterworkflowtemplate or cronworkflow`,
    );
  return { kind, name };
}

/** A run of a stored template. */
export function fromTemplate({ metadata, kind }: KubeObject, namespace: string): Workflow {
  const clusterScope = kind === 'ClusterWorkflowTemplate';
  const label = clusterScope ? 'cluster-workflow-template' : 'workflow-template';
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: {
      generateName: `${metadata.name}-`,
      namespace,
      labels: { [`workflows.argoproj.io/${label}`]: metadata.name },
    } as unknown as Workflow['metadata'],
    spec: { workflowTemplateRef: { name: metadata.name, ...(clusterScope ? { clusterScope } : {}) } },
  };
}
