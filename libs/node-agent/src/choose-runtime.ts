import { join } from 'node:path';
import type { NodeAgentOptions } from './agent-options.ts';
import { findCgroups } from './container/cgroups.ts';
import { limitedRuntime } from './container/limited-runtime.ts';
import { processRuntime } from './container/process-runtime.ts';
import type { ContainerRuntime } from './container/runtime.ts';
import { detectSandbox, sandboxRuntime } from './container/sandbox.ts';
import { ContainerdImages } from './containerd/containerd-images.ts';
import { containerdRuntime, ctrOf, detectContainerd, endEarlierContainers } from './containerd/containerd-runtime.ts';
import { type Images, ImageStore } from './image/image-store.ts';
import { machineName } from './node/machine-name.ts';

/** Thrown by `startNodeAgent` when the runtime that was asked for cannot be had. */
export class RuntimeUnavailable extends Error {
  override readonly name = 'RuntimeUnavailable';
}

/** How containers are run and where their images come from. */
export type ChosenRuntime = {
  readonly runtime: ContainerRuntime;
  readonly images: Images;
  /** Why this runtime, for people. */
  readonly reason: string;
  /** Whether limits are kept, for people. */
  readonly limits: string;
};

/** The runtime that was asked for, or the best that needs no more than this machine has. Throws {@link RuntimeUnavailable}. */
export async function chooseRuntime(options: NodeAgentOptions, podsDirectory: string): Promise<ChosenRuntime> {
  if (options.runtime === 'containerd') return containerd(options, podsDirectory);
  const { runtime, reason } = await ofTheHost(options);
  const images = new ImageStore(join(options.directory, 'images'), options.images);
  const { cgroups, reason: limits } = await findCgroups(machineName(options.directory));
  return { runtime: cgroups ? limitedRuntime(runtime, cgroups) : runtime, images, reason, limits };
}

/** The runtimes that use the tools of this machine. */
async function ofTheHost(options: NodeAgentOptions): Promise<Pick<ChosenRuntime, 'runtime' | 'reason'>> {
  if (options.runtime === 'process') return { runtime: processRuntime(options.tools), reason: 'asked for' };
  const support = await detectSandbox();
  const { reason } = support;
  if (support.available) return { runtime: sandboxRuntime(options.tools, support, options.directory), reason };
  if (options.runtime === 'auto') return { runtime: processRuntime(options.tools), reason };
  throw new RuntimeUnavailable(
    `the runtime "sandbox" was asked for, but ${reason}; install bubblewrap, or use the runtime "process"`,
  );
}

async function containerd(options: NodeAgentOptions, podsDirectory: string): Promise<ChosenRuntime> {
  const ctr = ctrOf(options.directory, options.containerdAddress);
  const { available, reason } = await detectContainerd(ctr);
  if (!available) {
    throw new RuntimeUnavailable(
      `the runtime "containerd" was asked for, but ${reason}; install and start containerd and runc, or use the ` +
        'runtime "sandbox"',
    );
  }
  await endEarlierContainers(ctr, podsDirectory);
  const images = new ContainerdImages(ctr, options.images);
  const runtime = containerdRuntime(ctr, options.directory, options.log);
  return { runtime, images, reason, limits: 'cpu and memory are enforced (containerd)' };
}
