import { addRepository } from '@sluice/local';
import { type Repository, resources } from '@sluice/model';
import { type ClusterOptions, connect, requireContext } from '../connect.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { formatObject, parseFormat } from '../output.ts';

export type RepoAddOptions = ClusterOptions & { readonly branch: string; readonly output?: string };

/** `sluice repo add NAME`: a repository in the local forge that starts pipelines. Idempotent. */
export async function repoAddCommand(name: string, options: RepoAddOptions, io: Io): Promise<ExitCode> {
  const format = parseFormat(options.output);
  if (!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) {
    throw new CommandError(
      exitCodes.usage,
      `${JSON.stringify(name)} cannot name a repository; use up to 40 lower-case letters, digits and dashes`,
    );
  }
  const context = requireContext(io, options);
  const place = await connect(io, { ...options, kubeconfig: options.kubeconfig ?? context.kubeconfig });
  const added = await addRepository(name, options.branch, context, place, io.signal);
  if (format === 'json' || format === 'yaml') io.out(formatObject(format, added));
  else if (format === 'name') io.out(name);
  else {
    io.out(`repository ${name} is ready`);
    io.out(`  git remote add sluice ${added.pushUrl}`);
    io.out(`  git push sluice HEAD:${options.branch}             # run the pipelines of .sluice/`);
    io.out(`  git push sluice HEAD:refs/for/${options.branch}    # open or update a pull request`);
  }
  return exitCodes.ok;
}

/** `sluice repo url NAME`: the push URL, with the forge's token in it. */
export async function repoUrlCommand(name: string, options: ClusterOptions, io: Io): Promise<ExitCode> {
  const context = requireContext(io, options);
  const { kube, namespace } = await connect(io, { ...options, kubeconfig: options.kubeconfig ?? context.kubeconfig });
  const repository = await kube.get<Repository>(resources.repositories, { namespace, name });
  if (!repository)
    throw new CommandError(
      exitCodes.notFound,
      `there is no repository ${JSON.stringify(name)}; make it with: sluice repo add ${name}`,
    );
  const url = new URL(`${context.gitUrl}/${name}.git`);
  url.username = 'sluice';
  url.password = context.token;
  io.out(url.toString());
  return exitCodes.ok;
}
