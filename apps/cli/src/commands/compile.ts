import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatProblem } from '@sluice/model';
import { compile, parseFiles, pipelineShape, toJsonSchema } from '@sluice/pipeline';
import { validateManifest } from '@sluice/workflow';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatObject, parseFormat } from '../output.ts';

export type CompileOptions = {
  readonly repository: string;
  readonly ref: string;
  readonly sha: string;
  readonly pullRequest?: string;
  readonly fork?: boolean;
  readonly registry: string;
  readonly cloneUrl: string;
  readonly output?: string;
};

/** `sluice compile FILE…`: the Workflows that pipelines become, without a cluster. Exit code 3 when a file has an error. */
export async function compileCommand(files: readonly string[], options: CompileOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output ?? 'yaml');
  const number = options.pullRequest === undefined ? undefined : Number(options.pullRequest);
  if (number !== undefined && !(Number.isSafeInteger(number) && number > 0)) {
    throw new CommandError(exitCodes.usage, `--pull-request ${options.pullRequest}: must be a number`);
  }
  if (!/^[0-9a-f]{40}$/.test(options.sha)) {
    throw new CommandError(exitCodes.usage, `--sha ${options.sha}: must be a full commit id of 40 hex digits`);
  }
  const sources = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(resolve(io.cwd, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
        const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message;
        throw new CommandError(exitCodes.notFound, `${file}: ${reason}`);
      });
      return { path: file, text };
    }),
  );
  const { pipelines, problems } = parseFiles(sources, (manifest) =>
    validateManifest(manifest, { lint: true, unknownFields: 'error' }),
  );
  for (const problem of problems) io.err(`${formatProblem(problem)} [${problem.code}]`);
  const { repository, registry, cloneUrl, sha } = options;
  const ref = number === undefined ? options.ref : `refs/pull/${number}/head`;
  const workflows = pipelines.map((pipeline) =>
    compile(pipeline, {
      repository,
      repositoryUid: '00000000-0000-0000-0000-000000000000',
      namespace: 'default',
      registry,
      cloneUrl,
      sha,
      ref,
      event: number === undefined ? 'push' : 'pull_request',
      triggerKey: number === undefined ? `push:${ref}` : `pull_request:${number}`,
      trust: options.fork ? 'untrusted' : 'trusted',
      order: 0,
      deploys: number === undefined ? pipeline.deploy : [],
      secrets: options.fork ? [] : secretsOf(pipeline),
      ...(number === undefined ? {} : { pullRequest: number }),
    }),
  );
  if (format === 'json') io.out(formatObject('json', workflows));
  else io.out(workflows.map((workflow) => formatObject('yaml', workflow)).join('\n---\n'));
  return problems.some(({ severity }) => severity === 'error') ? exitCodes.lint : exitCodes.ok;
}

/** As if the Repository granted every Secret: the Workflow shows where they go. */
function secretsOf(pipeline: ReturnType<typeof parseFiles>['pipelines'][number]): readonly string[] {
  if (pipeline.kind === 'argo') return [];
  return pipeline.steps.flatMap(({ secrets }) => Object.values(secrets).map(({ name }) => name));
}

/** `sluice schema`: the JSON Schema of pipeline files, for editors. */
export function schemaCommand(io: Io): ExitCode {
  io.out(JSON.stringify(toJsonSchema(pipelineShape), null, 2));
  return exitCodes.ok;
}
