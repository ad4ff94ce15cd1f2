import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactMover, OutputCapture } from '@sluice/model';
import { ImageError, type Images, type LocalImage } from '../image/image-store.ts';
import { keepPrevious } from '../log/container-log.ts';
import type { Container, Pod, SecurityContext } from '../pod/pod-spec.ts';
import { containerMounts, type VolumeSource } from '../volume/pod-volumes.ts';
import { ArtifactFailure, stageInputs } from './artifacts.ts';
import { ConfigError, type NodeFacts } from './downward.ts';
import { buildEnvironment, type ReadKeyed } from './environment.ts';
import { expandReferences } from './expansion.ts';
import { podMark } from './process-table.ts';
import { StartError } from './start-error.ts';
import type { ContainerInput, ContainerRuntime, HostTools, LaunchPlan } from './runtime.ts';
import type { Service } from './service-variables.ts';
import type { ViewMount } from './container-view.ts';

/** What starting a container needs from outside. */
export type StartPorts = {
  readonly runtime: ContainerRuntime;
  readonly images: Images;
  readonly tools: HostTools;
  readonly environment: Readonly<Record<string, string>>;
  readonly services: () => readonly Service[];
  readonly read: ReadKeyed;
  readonly hostsFile: string | undefined;
  readonly node: NodeFacts;
  /** `pods/<uid>`. */
  readonly directory: string;
  readonly volumes: ReadonlyMap<string, VolumeSource>;
  /** Absent on a node that moves no artifacts. */
  readonly artifacts: ArtifactMover | undefined;
};

/** A container about to be launched. */
export type PreparedContainer = {
  readonly input: ContainerInput;
  readonly plan: LaunchPlan;
  readonly image: LocalImage;
  readonly logPath: string;
  /** Host file behind terminationMessagePath; absent where the message carries captured outputs. */
  readonly messageFile: string | undefined;
};

/**
 * Work out command, environment, mounts and user of a container, and bring its input artifacts. Throws {@link StartError}, or
 * {@link ArtifactFailure}.
 */
export async function prepareContainer(
  pod: Pod,
  container: Container,
  capture: OutputCapture | undefined,
  ports: StartPorts,
  signal: AbortSignal,
): Promise<PreparedContainer> {
  refuseUnsupported(container);
  try {
    const image = await ports.images.get(container.image ?? '', signal, container.imagePullPolicy);
    const env = await environmentOf(pod, container, image, ports);
    const command = commandOf(container, image, env);
    const messageFile = capture ? undefined : makeMessageFile(container, ports.directory);
    const volumes = await containerMounts(container, ports.volumes, env);
    const staged = await stageInputs(pod, container, volumes, ports, signal);
    const mounts = [...volumes, ...staged, ...messageMount(container, messageFile)];
    const input = inputOf({ pod, container, image, env, command, mounts, capture, ports });
    if (ports.runtime.prepare) await ports.runtime.prepare(input, signal);
    else rmSync(input.rootfs, { recursive: true, force: true });
    const plan = await planned(ports.runtime, input);
    const logPath = join(ports.directory, 'logs', `${container.name}.log`);
    keepPrevious(logPath);
    return { input, plan, image, logPath, messageFile };
  } catch (error) {
    throw toStartError(error);
  }
}

async function planned(runtime: ContainerRuntime, input: ContainerInput): Promise<LaunchPlan> {
  try {
    return runtime.plan(input);
  } catch (error) {
    await runtime.release?.(input);
    throw error;
  }
}

function toStartError(error: unknown): unknown {
  if (error instanceof ImageError) return new StartError(error.reason, error.message, { cause: error });
  if (error instanceof ConfigError)
    return new StartError('CreateContainerConfigError', error.message, { cause: error });
  if (error instanceof StartError || error instanceof ArtifactFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StartError('CreateContainerError', message, { cause: error });
}

function refuseUnsupported(container: Container): void {
  if (container.securityContext?.privileged) {
    const message = 'securityContext.privileged is not offered by this node; ask for the capabilities that are needed';
    throw new StartError('CreateContainerConfigError', message);
  }
  const probes = { startupProbe: container.startupProbe, livenessProbe: container.livenessProbe };
  for (const [name, probe] of Object.entries({ ...probes, readinessProbe: container.readinessProbe })) {
    if (probe?.grpc) {
      const message = `${name}: grpc probes are not offered by this node; use httpGet, tcpSocket or exec`;
      throw new StartError('CreateContainerConfigError', message);
    }
  }
}

async function environmentOf(
  pod: Pod,
  container: Container,
  image: LocalImage,
  ports: StartPorts,
): Promise<Record<string, string>> {
  const fallbackPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const own = Object.fromEntries(
    (image.config.env ?? []).map((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
  const path = [...ports.tools.pathDirectories, own['PATH'] ?? fallbackPath].join(':');
  const base = { HOME: '/root', HOSTNAME: hostnameOf(pod), ...own, PATH: path, ...ports.environment };
  const { node, read } = ports;
  const env = await buildEnvironment({ pod, container, node, read, base, services: ports.services() });
  env[podMark] = pod.metadata.uid ?? '';
  return env;
}

function hostnameOf(pod: Pod): string {
  return pod.spec?.hostname ?? pod.metadata.name.slice(0, 63).replace(/[^a-zA-Z0-9]+$/, '');
}

function commandOf(container: Container, image: LocalImage, env: Readonly<Record<string, string>>): readonly string[] {
  const entrypoint = container.command ?? image.config.entrypoint ?? [];
  const args = container.args ?? (container.command ? [] : (image.config.cmd ?? []));
  const lookup = (name: string): string | undefined => (Object.hasOwn(env, name) ? env[name] : undefined);
  const own = (list: readonly string[]): readonly string[] => list.map((text) => expandReferences(text, lookup));
  const command = [...(container.command ? own(entrypoint) : entrypoint), ...(container.args ? own(args) : args)];
  const known = image.directory ?? image.name;
  if (command.length > 0 && (entrypoint.length > 0 || known)) return command;
  const foreign = `image ${JSON.stringify(container.image)} is not in the embedded registry, so its own command is not known`;
  const why = known ? `image ${JSON.stringify(container.image)} has no command` : foreign;
  throw new StartError('CreateContainerError', `${why}; give the container a command`);
}

/** Letters, digits and single dashes, at most 76 of them: what every runtime takes for a name. */
function runId({ metadata }: Pod, { name }: Container): string {
  const text = `${(metadata.uid ?? '').slice(0, 8)}-${name.slice(0, 40)}-${randomUUID().slice(0, 8)}`;
  return text.replace(/[^a-zA-Z0-9]+/g, '-').replace(/^-/, '');
}

type InputParts = {
  readonly pod: Pod;
  readonly container: Container;
  readonly image: LocalImage;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly mounts: readonly ViewMount[];
  readonly capture: OutputCapture | undefined;
  readonly ports: StartPorts;
};

function inputOf({ pod, container, image, env, command, mounts, capture, ports }: InputParts): ContainerInput {
  const user = userOf(pod, container);
  const security = { ...pod.spec?.securityContext, ...container.securityContext };
  return {
    id: runId(pod, container),
    hostname: hostnameOf(pod),
    rootfs: join(ports.directory, 'rootfs', container.name),
    volumes: mounts,
    ...(image.directory || image.name ? { image: imageOf(image) } : {}),
    ...(container.resources ? { resources: container.resources } : {}),
    security,
    ...(ports.hostsFile ? { hostsFile: ports.hostsFile } : {}),
    ...(user ? { user } : {}),
    command,
    env,
    workingDir: container.workingDir ?? image.config.workingDir ?? '/',
    outputPaths: [...(capture?.parameters ?? []), ...(capture?.artifacts ?? [])]
      .map(({ path }) => path)
      .filter((path) => path.startsWith('/')),
  };
}

function imageOf({ directory, name, userland, config }: LocalImage): NonNullable<ContainerInput['image']> {
  return {
    userland,
    ...(directory ? { directory } : {}),
    ...(name ? { name } : {}),
    ...(config.user ? { user: config.user } : {}),
  };
}

/** The user inside the container; outside it is always the one that runs Sluice. */
function userOf(pod: Pod, container: Container): { uid: number; gid: number } | undefined {
  const context: SecurityContext = { ...pod.spec?.securityContext, ...container.securityContext };
  const uid = context.runAsUser ?? (context.runAsNonRoot ? 65_532 : undefined);
  if (uid === 0 && context.runAsNonRoot) {
    const message = 'runAsNonRoot is set, but runAsUser is 0; choose another user or drop runAsNonRoot';
    throw new StartError('CreateContainerConfigError', message);
  }
  return uid === undefined ? undefined : { uid, gid: context.runAsGroup ?? uid };
}

const defaultMessagePath = '/dev/termination-log';

function makeMessageFile(container: Container, directory: string): string {
  const path = join(directory, `${container.name}.message`);
  writeFileSync(path, '', { mode: 0o666 });
  return path;
}

function messageMount(container: Container, file: string | undefined): readonly ViewMount[] {
  if (!file) return [];
  return [{ path: container.terminationMessagePath ?? defaultMessagePath, source: file, readOnly: false }];
}
