import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '@sluice/runtime';
import { resolveInView } from '../container/container-view.ts';
import { podMark } from '../container/process-table.ts';
import type { ContainerInput, ContainerRuntime, EntryOptions, LaunchPlan } from '../container/runtime.ts';
import { StartError } from '../container/start-error.ts';
import { machineName } from '../node/machine-name.ts';
import { type Ctr, CtrError, createCtr, ctrEnvironment } from './ctr.ts';
import { parseUser } from './image-user.ts';
import { logProgram } from './log-program.ts';
import { buildSpec } from './oci-spec.ts';
import { OutOfMemoryWatch } from './out-of-memory.ts';

const commandMs = 30_000;

/** Whether containers can be run by a containerd; `reason` is for people. */
export type ContainerdSupport = { readonly available: boolean; readonly reason: string };

/** A client in the containerd namespace that belongs to this data directory. */
export function ctrOf(directory: string, address: string | undefined): Ctr {
  return createCtr(machineName(directory), address);
}

/** Find out whether containerd answers. Containers are made as the superuser: nobody else can use it. */
export async function detectContainerd(ctr: Ctr): Promise<ContainerdSupport> {
  if (process.getuid?.() !== 0) return { available: false, reason: 'containerd needs the superuser' };
  try {
    const text = await ctr.run(['version'], 5_000);
    const version = /Server:\s+Version:\s+(\S+)/.exec(text)?.[1] ?? 'of an unknown version';
    return { available: true, reason: `containerd ${version} answers` };
  } catch (error) {
    return { available: false, reason: error instanceof CtrError ? error.message : String(error) };
  }
}

/** The runtime that has containerd run real images. */
export function containerdRuntime(ctr: Ctr, directory: string, log: Log): ContainerRuntime {
  const logUri = logProgram(directory);
  const started = new Set<string>();
  const outOfMemory = new OutOfMemoryWatch(ctr);
  return {
    kind: 'containerd',
    separateStreams: true,
    namespacesOf: () => [],
    async prepare(input, signal) {
      // What an earlier run left is no concern of this one.
      await unmount(ctr, input.rootfs);
      await mkdir(input.rootfs, { recursive: true });
      await ctr.run(['images', 'mount', '--rw', input.image?.name ?? '', input.rootfs], commandMs, signal);
    },
    plan(input, entry) {
      if (entry) return planEntry(ctr, input, entry);
      started.add(input.id);
      return planRun(ctr, input, logUri);
    },
    async release(input) {
      rmSync(specFile(input), { force: true });
      rmSync(pidFile(input), { force: true });
      try {
        if (started.delete(input.id)) await removeContainer(ctr, input.id);
        await unmount(ctr, input.rootfs);
      } catch (error) {
        log.warn('container not removed', { container: input.id, error });
      }
    },
    ranOutOfMemory: ({ id }) => outOfMemory.take(id),
    close: () => outOfMemory.close(),
  };
}

/** End what an earlier life of this program left: its containers, and the mounts below `podsDirectory`. */
export async function endEarlierContainers(ctr: Ctr, podsDirectory: string): Promise<void> {
  const names = async (what: string): Promise<readonly string[]> =>
    (await ctr.run([what, 'ls', '-q'], commandMs)).split('\n').filter(Boolean);
  for (const id of await names('containers')) await removeContainer(ctr, id);
  for (const uid of readdirSync(podsDirectory)) {
    const roots = join(podsDirectory, uid, 'rootfs');
    for (const name of existsSync(roots) ? readdirSync(roots) : []) await unmount(ctr, join(roots, name));
  }
}

/** `ctr run --rm` has done so, unless it was killed or the container lives on. */
async function removeContainer(ctr: Ctr, id: string): Promise<void> {
  const left = await ctr.run(['containers', 'ls', '-q', `id==${id}`], commandMs);
  if (left.trim() === '') return;
  await ctr.run(['tasks', 'rm', '--force', id], commandMs).catch(ignoreMissing);
  await ctr.run(['containers', 'rm', id], commandMs).catch(ignoreMissing);
}

async function unmount(ctr: Ctr, path: string): Promise<void> {
  if (!existsSync(path)) return;
  await ctr.run(['images', 'unmount', '--rm', path], commandMs).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof CtrError) || !/not found|no such|does not exist/.test(error.message)) throw error;
}

function specFile({ rootfs }: ContainerInput): string {
  return `${rootfs}.spec.json`;
}

function pidFile({ rootfs }: ContainerInput): string {
  return `${rootfs}.pid`;
}

function planRun(ctr: Ctr, input: ContainerInput, logUri: (out: string, err: string) => string): LaunchPlan {
  const view = [{ path: '/', source: input.rootfs, readOnly: false }, ...input.volumes];
  const resolvConf = existsSync('/etc/resolv.conf') ? '/etc/resolv.conf' : undefined;
  const spec = buildSpec({ input, user: userOf(input), cgroup: `/sluice/${input.id}`, resolvConf });
  rmSync(pidFile(input), { force: true });
  // It holds the values of variables, which may be secret.
  writeFileSync(specFile(input), JSON.stringify(spec), { mode: 0o600 });
  const args = (...more: string[]): readonly string[] => {
    return [...ctr.prefix, 'run', '--rm', '--pid-file', pidFile(input), ...more, '--config', specFile(input), input.id];
  };
  const redirected = (out: string, err: string): readonly string[] => args('--log-uri', logUri(out, err));
  return { ...common(ctr, input), args: args(), view, container: { pidFile: pidFile(input), redirected } };
}

let execs = 0;

function planEntry(ctr: Ctr, input: ContainerInput, { terminal }: EntryOptions): LaunchPlan {
  const args = ['tasks', 'exec', '--exec-id', `e${++execs}`, ...(terminal ? ['--tty'] : []), input.id];
  return { ...common(ctr, input), args: [...ctr.prefix, ...args, ...input.command], view: [], container: {} };
}

/** Nothing of the container's own variables reaches the client, but the mark by which it is found after a crash. */
function common(ctr: Ctr, { env, rootfs }: ContainerInput) {
  const mark = env[podMark];
  const own = { ...ctrEnvironment, ...(mark === undefined ? {} : { [podMark]: mark }) };
  return { file: ctr.file, env: own, cwd: join(rootfs, '..'), reportsStatus: false };
}

/** The user that the pod asks for, else the image's. */
function userOf(input: ContainerInput): { uid: number; gid: number } {
  if (input.user) return input.user;
  const view = [{ path: '/', source: input.rootfs, readOnly: false }];
  const read = (path: string): string => {
    const place = resolveInView(view, path);
    return existsSync(place) ? readFileSync(place, 'utf8').slice(0, 1024 * 1024) : '';
  };
  const wanted = input.image?.user ?? '';
  const found = parseUser(
    wanted,
    () => read('/etc/passwd'),
    () => read('/etc/group'),
  );
  if (!found) throw new StartError('CreateContainerConfigError', `the image has no user ${JSON.stringify(wanted)}`);
  if (found.uid === 0 && input.security?.runAsNonRoot) {
    const message = 'runAsNonRoot is set, but the image runs as the superuser; set runAsUser';
    throw new StartError('CreateContainerConfigError', message);
  }
  return found;
}
