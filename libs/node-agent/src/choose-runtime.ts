import { join } from 'node:path';
import type { NodeAgentOptions } from './agent-options.ts';
import { processRuntime } from './container/process-runtime.ts';
import type { ContainerRuntime } from './container/runtime.ts';
import { detectSandbox, sandboxRuntime } from './container/sandbox.ts';
import { ContainerdImages } from './containerd/containerd-images.ts';
import { containerdRuntime, ctrOf, detectContainerd, endEarlierContainers } from './containerd/containerd-runtime.ts';
import { type Images, ImageStore } from './image/image-store.ts';

/** Thrown by `startNodeAgent` when the runtime that was asked for cannot be had. */
export class RuntimeUnavailable extends Error {
  override readonly name = 'RuntimeUnavailable';
}

/** How containers are run and where their images come from. `reason`: why so, for people. */
export type ChosenRuntime = { readonly runtime: ContainerRuntime; readonly images: Images; readonly reason: string };

/** The runtime that was asked for, or the best that needs no more than this machine has. Throws {@link RuntimeUnavailable}. */
export async function chooseRuntime(options: NodeAgentOptions, podsDirectory: string): Promise<ChosenRuntime> {
  if (options.runtime === 'containerd') return containerd(options, podsDirectory);
  const images = new ImageStore(join(options.directory, 'images'), options.images);
  const withoutIsolation = (reason: string): ChosenRuntime => ({
    runtime: processRuntime(options.tools),
    images,
    reason,
  });
  if (options.runtime === 'process') return withoutIsolation('asked for');
  const support = await detectSandbox();
  if (support.available) {
    return { runtime: sandboxRuntime(options.tools, support, options.directory), images, reason: support.reason };
  }
  if (options.runtime === 'sandbox') {
    throw new RuntimeUnavailable(
      `the runtime "sandbox" was asked for, but ${support.reason}; install bubblewrap, or use the runtime "process"`,
    );
  }
  return withoutIsolation(support.reason);
}

async function containerd(options: NodeAgentOptions, podsDirectory: string): Promise<ChosenRuntime> {
  const ctr = ctrOf(options.directory, options.containerdAddress);
  const support = await detectContainerd(ctr);
  if (!support.available) {
    throw new RuntimeUnavailable(
      `the runtime "containerd" was asked for, but ${support.reason}; install and start containerd and runc, or use the ` +
        'runtime "sandbox"',
    );
  }
  await endEarlierContainers(ctr, podsDirectory);
  const images = new ContainerdImages(ctr, options.images);
  return { runtime: containerdRuntime(ctr, options.directory, options.log), images, reason: support.reason };
}
