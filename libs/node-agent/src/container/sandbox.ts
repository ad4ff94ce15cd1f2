import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskReader } from './directory-reader.ts';
import type { ContainerInput, ContainerRuntime, EntryOptions, HostTools, LaunchPlan } from './runtime.ts';
import { findHostPaths, type HostPath, layOut, type Layout } from './sandbox-layout.ts';

/** What bubblewrap can do here. `reason` is for people. */
export type SandboxSupport = { readonly available: boolean; readonly userNamespace: boolean; readonly reason: string };

const systemPaths = ['/usr', '/bin', '/lib', '/lib32', '/lib64', '/libx32', '/sbin'] as const;
/** Directories of /etc, and the files that change while a machine runs: mounted. */
const livePaths = ['alternatives', 'ca-certificates', 'crypto-policies', 'hosts', 'pki', 'resolv.conf', 'ssl'].map(
  (name) => `/etc/${name}`,
);
/** Small files of /etc that hardly ever change: copied once, since each mount costs every container time. */
const copiedFiles = ['group', 'ld.so.cache', 'mime.types', 'nsswitch.conf', 'passwd', 'protocols', 'services'] as const;
/** Where the copies are seen; links in /etc lead to them. */
const copiesPath = '/run/sluice/etc';

const places = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap', '/run/current-system/sw/bin/bwrap'];

/** Its full path: a container's PATH must not decide which sandbox it gets. */
function bubblewrap(): string {
  return places.find((place) => existsSync(place)) ?? 'bwrap';
}

const namespaces = ['--unshare-pid', '--unshare-ipc', '--unshare-uts'] as const;
const otherNamespaces = ['--unshare-ipc', '--unshare-uts'] as const;

/** Find out whether a sandbox can be made, by making one. */
export async function detectSandbox(): Promise<SandboxSupport> {
  const withUser = await tryBubblewrap(['--unshare-user']);
  if (withUser.ok) return { available: true, userNamespace: true, reason: 'bubblewrap works' };
  const without = await tryBubblewrap([]);
  if (without.ok) return { available: true, userNamespace: false, reason: 'bubblewrap works, without user namespaces' };
  return { available: false, userNamespace: false, reason: withUser.message };
}

function tryBubblewrap(extra: readonly string[]): Promise<{ ok: boolean; message: string }> {
  const args = [...extra, ...namespaces, '--cap-drop', 'ALL', '--die-with-parent', '--new-session'];
  args.push('--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--', 'true');
  const { promise, resolve } = Promise.withResolvers<{ ok: boolean; message: string }>();
  execFile(bubblewrap(), args, { timeout: 5_000, cwd: tmpdir() }, (error, _out, stderr) => {
    if (!error) resolve({ ok: true, message: '' });
    else if (error.code === 'ENOENT') resolve({ ok: false, message: 'bubblewrap (bwrap) is not installed' });
    else resolve({ ok: false, message: `bubblewrap does not work here: ${stderr.trim().split('\n')[0] ?? ''}` });
  });
  return promise;
}

/** The runtime that gives every container its own file system, processes and host name. */
export function sandboxRuntime(tools: HostTools, support: SandboxSupport, directory: string): ContainerRuntime {
  const file = bubblewrap();
  const copies = join(directory, 'etc');
  const host = findHostPaths([...systemPaths, ...livePaths, '/etc/localtime', ...tools.readOnlyPaths], diskReader);
  const links = copyFiles(copies).map((name): HostPath => {
    return { path: `/etc/${name}`, source: '', target: `${copiesPath}/${name}` };
  });
  const all = [...host, { path: copiesPath, source: copies }, ...links];
  const withoutSystem = findHostPaths(['/etc/resolv.conf', ...tools.readOnlyPaths], diskReader);
  return {
    kind: 'sandbox',
    // Another user than 0 lives in a namespace below the one that owns the processes: that cannot be entered.
    namespacesOf: ({ user }) => (!support.userNamespace ? ['pid'] : (user?.uid ?? 0) === 0 ? ['user', 'pid'] : []),
    plan: (input, entry) => {
      const layout = layoutOf(input, input.image?.userland ? withoutSystem : all);
      return { ...plan(input, entry, layout, support), file };
    },
  };
}

/** Copy what exists; returns the names. */
function copyFiles(directory: string): readonly string[] {
  mkdirSync(directory, { recursive: true });
  return copiedFiles.filter((name) => {
    if (!existsSync(`/etc/${name}`)) return false;
    copyFileSync(`/etc/${name}`, join(directory, name));
    return true;
  });
}

function plan(
  input: ContainerInput,
  entry: EntryOptions | undefined,
  layout: Layout,
  support: SandboxSupport,
): Omit<LaunchPlan, 'file'> {
  const again = entry !== undefined;
  if (!again) mkdirSync(input.rootfs, { recursive: true, mode: 0o755 });
  const args = [
    ...namespaceArgs(entry, support),
    ...(support.userNamespace ? userArgs(input) : []),
    '--hostname',
    input.hostname.slice(0, 63),
    '--cap-drop',
    'ALL',
    '--die-with-parent',
    ...(entry?.terminal ? [] : ['--new-session']),
    '--json-status-fd',
    '3',
    ...mountArgs(layout, input, again),
    '--chdir',
    input.workingDir,
    '--',
    ...input.command,
  ];
  const { rootfs: cwd, env } = input;
  return { args, env, cwd, reportsStatus: true, view: layout.view };
}

function namespaceArgs(entry: EntryOptions | undefined, support: SandboxSupport): readonly string[] {
  const joined = entry?.namespaces;
  if (!joined) return [...namespaces, ...(support.userNamespace ? ['--unshare-user'] : [])];
  const user = joined.user === undefined ? [] : ['--userns', String(joined.user)];
  return [...otherNamespaces, ...user, '--pidns', String(joined.process)];
}

function layoutOf(input: ContainerInput, host: readonly HostPath[]): Layout {
  const { rootfs, hostsFile } = input;
  const volumes = [...input.volumes];
  if (hostsFile) volumes.push({ path: '/etc/hosts', source: hostsFile, readOnly: true });
  const shown = hostsFile ? host.filter(({ path }) => path !== '/etc/hosts') : host;
  const image = input.image?.directory ? { image: input.image.directory } : {};
  return layOut({ rootfs, host: shown, volumes, ...image }, diskReader);
}

function userArgs({ user }: ContainerInput): readonly string[] {
  return ['--uid', String(user?.uid ?? 0), '--gid', String(user?.gid ?? user?.uid ?? 0)];
}

function mountArgs(layout: Layout, input: ContainerInput, again: boolean): readonly string[] {
  const args = ['--bind', input.rootfs, '/', '--proc', '/proc', '--dev', '/dev'];
  args.push('--perms', '1777', '--dir', '/tmp', '--dir', '/root');
  // Directories that every image has, and steps write to.
  for (const path of ['/home', '/mnt', '/opt', '/srv', '/var/tmp']) args.push('--dir', path);
  // The links of the first process are in the root directory already.
  if (!again) for (const { path, target } of layout.symlinks) args.push('--symlink', target, path);
  for (const { path, source, readOnly } of layout.binds) args.push(readOnly ? '--ro-bind' : '--bind', source, path);
  args.push('--dir', input.workingDir);
  return args;
}
