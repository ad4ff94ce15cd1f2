import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hostPathOf, type ViewMount } from './container-view.ts';
import { pathRewriter } from './process-rewrite.ts';
import type { ContainerInput, ContainerRuntime, HostTools, LaunchPlan } from './runtime.ts';
import { diskReader } from './directory-reader.ts';

/** The runtime without isolation: a process of the host, whose paths are rewritten to where its files really are. */
export function processRuntime({ pathDirectories, readOnlyPaths }: HostTools): ContainerRuntime {
  const kept = [...pathDirectories, ...readOnlyPaths];
  return {
    kind: 'process',
    namespacesOf: () => [],
    plan: (input, entry) => plan(input, entry !== undefined, kept),
  };
}

function plan(input: ContainerInput, again: boolean, kept: readonly string[]): LaunchPlan {
  const view = viewOf(input);
  const rewrite = pathRewriter(view, [...view.map(({ path }) => path), ...input.outputPaths, '/tmp'], kept);
  const cwd = hostPathOf(view, input.workingDir);
  if (!again) prepareDirectories(input, view, cwd);
  const env = Object.fromEntries(Object.entries(input.env).map(([name, value]) => [name, rewrite(value)]));
  if (env['HOME'] === '/root') env['HOME'] = join(input.rootfs, 'root');
  const [file = '', ...args] = input.command.map(rewrite);
  return { file, args, env, cwd, reportsStatus: false, view: [...view, ...hostRoot(view, input)] };
}

/** The container's root and /tmp, the image's top directories and the volumes. */
function viewOf({ rootfs, image, volumes }: ContainerInput): ViewMount[] {
  const view: ViewMount[] = [{ path: '/', source: rootfs, readOnly: false }];
  view.push({ path: '/tmp', source: join(rootfs, 'tmp'), readOnly: false });
  for (const { name, kind } of image?.directory ? diskReader.list(image.directory) : []) {
    const place = `/${name}`;
    const onHost = diskReader.kind(place);
    if (kind === 'symlink' || onHost) continue;
    view.push({ path: place, source: join(image?.directory ?? '', name), readOnly: true });
  }
  return [...view, ...volumes];
}

/** Paths under the private directories mean themselves: links there may point to them by their host path. */
function hostRoot(view: readonly ViewMount[], { rootfs }: ContainerInput): ViewMount[] {
  const sources = new Set([rootfs, ...view.map(({ source }) => source)]);
  return [...sources].map((source) => ({ path: source, source, readOnly: false }));
}

function prepareDirectories(input: ContainerInput, view: readonly ViewMount[], cwd: string): void {
  const wanted = [join(input.rootfs, 'tmp'), join(input.rootfs, 'root'), cwd];
  for (const path of input.outputPaths) wanted.push(dirname(hostPathOf(view, path)));
  for (const path of wanted) mkdirSync(path, { recursive: true });
}
