import { formatProblem, type KubeObject, type Resource, resources } from '@sluice/model';
import { parseAllDocuments } from 'yaml';
import { type ClusterOptions, connect } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatAge, formatObject, parseFormat, showListing } from '../output.ts';
import { readText } from '../submitted.ts';
import { lintText } from './lint.ts';

export type TemplateOptions = ClusterOptions & {
  readonly allNamespaces?: boolean;
  readonly cluster?: boolean;
  readonly output?: string;
};

function resourceOf({ cluster }: TemplateOptions): Resource {
  return cluster ? resources.clusterWorkflowTemplates : resources.workflowTemplates;
}

/** `sluice template list`. */
export async function templateListCommand(options: TemplateOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const { kube, namespace } = await connect(io, options);
  const everywhere = options.cluster === true || options.allNamespaces === true;
  const { items } = await kube.list(resourceOf(options), everywhere ? {} : { namespace });
  showListing(io, format, {
    columns: [...(options.allNamespaces ? ['NAMESPACE'] : []), 'NAME', 'TEMPLATES', 'AGE'],
    rows: items.map(({ metadata, spec }) => [
      ...(options.allNamespaces ? [metadata.namespace ?? ''] : []),
      metadata.name,
      ((spec as { readonly templates?: readonly { readonly name?: string }[] } | undefined)?.templates ?? [])
        .map((template) => template.name ?? '')
        .join(', '),
      formatAge(metadata.creationTimestamp, io.now()),
    ]),
    objects: items,
    names: items.map(({ metadata }) => metadata.name),
    empty: 'no workflow templates',
  });
  return exitCodes.ok;
}

/** `sluice template get NAME`, as YAML unless told otherwise. */
export async function templateGetCommand(name: string, options: TemplateOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  const { kube, namespace } = await connect(io, options);
  const found = await kube.get(resourceOf(options), options.cluster ? { name } : { namespace, name });
  if (!found) throw notFound(name, namespace, options);
  if (format === 'name') io.out(name);
  else io.out(formatObject(format === 'json' ? 'json' : 'yaml', found));
  return exitCodes.ok;
}

function notFound(name: string, namespace: string, { cluster }: TemplateOptions): CommandError {
  const what = cluster
    ? `cluster workflow template ${JSON.stringify(name)}`
    : `workflow template ${JSON.stringify(name)} in namespace ${namespace}`;
  return new CommandError(exitCodes.notFound, `there is no ${what}`);
}

/** `sluice template create FILE…` and `update FILE…`: both kinds, as the files say. */
export async function templateCreateCommand(
  files: readonly string[],
  options: TemplateOptions,
  isUpdate: boolean,
  io: Io,
): Promise<ExitCode> {
  const found: KubeObject[] = [];
  for (const file of files) {
    const text = await readText(file, io);
    const errors = lintText(file, text).filter(({ severity }) => severity === 'error');
    for (const problem of errors) io.err(formatProblem(problem));
    if (errors.length > 0) return exitCodes.lint;
    const objects = parseAllDocuments(text).map(
      (document) => document.toJS({ maxAliasCount: 100 }) as KubeObject | null,
    );
    const templates = objects.flatMap((object) =>
      object?.kind === 'WorkflowTemplate' || object?.kind === 'ClusterWorkflowTemplate' ? [object] : [],
    );
    if (templates.length === 0) throw new CommandError(exitCodes.usage, `${file}: holds no WorkflowTemplate`);
    found.push(...templates);
  }
  const { kube, namespace } = await connect(io, options);
  for (const template of found) {
    const cluster = template.kind === 'ClusterWorkflowTemplate';
    const resource = resourceOf({ cluster });
    const own = template.metadata.namespace ?? namespace;
    const metadata = cluster ? template.metadata : { ...template.metadata, namespace: own };
    if (isUpdate) {
      const key = cluster ? { name: metadata.name } : { namespace: own, name: metadata.name };
      const present = await kube.get(resource, key);
      if (!present) throw notFound(metadata.name, own, { cluster });
      const { resourceVersion } = present.metadata;
      const merged = { ...metadata, ...(resourceVersion ? { resourceVersion } : {}) };
      await kube.replace(resource, { ...template, metadata: merged });
    } else await kube.create(resource, { ...template, metadata });
    io.out(`${cluster ? 'cluster ' : ''}workflow template ${metadata.name} ${isUpdate ? 'updated' : 'created'}`);
  }
  return exitCodes.ok;
}

/** `sluice template delete NAME…`. */
export async function templateDeleteCommand(
  names: readonly string[],
  options: TemplateOptions,
  io: Io,
): Promise<ExitCode> {
  const { kube, namespace } = await connect(io, options);
  for (const name of names) {
    const key = options.cluster ? { name } : { namespace, name };
    if (!(await kube.get(resourceOf(options), key))) throw notFound(name, namespace, options);
    await kube.delete(resourceOf(options), key);
    io.out(`workflow template ${name} deleted`);
  }
  return exitCodes.ok;
}
