import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Resources } from '../pod/pod-spec.ts';
import { sendSignal } from './process-table.ts';
import { parseQuantity } from './quantity.ts';

/** Control groups of this node, one for each run of a container that has limits. */
export type Cgroups = {
  /** Make the groups of a container; the files that its first process writes itself into. Throws when they cannot be made. */
  create(id: string, limits: Limits): readonly string[];
  /** End what is left in the groups and remove them; true when something in them was killed for want of memory. */
  remove(id: string): Promise<boolean>;
  /** Remove all groups with what is in them: those of an earlier life at the start, and at the end the place itself. */
  clear(): Promise<void>;
};

/** Bytes and cpus. */
export type Limits = { readonly memory?: number; readonly cpu?: number };

/** `reason`: whether limits are kept, for people. */
export type CgroupSupport = { readonly cgroups?: Cgroups; readonly reason: string };

/** A tree of groups, and how limits are written into one of them. */
type Tree = {
  readonly base: string;
  /** Make the base ready for groups, where that takes more than a directory. */
  readonly prepare?: () => void;
  readonly limit: (group: string, limits: Limits) => void;
};

const root = '/sys/fs/cgroup';
const periodUs = 100_000;

/** The limits of a container that can be kept; undefined when it has none. */
export function limitsOf({ limits = {} }: Resources = {}): Limits | undefined {
  const memory = parseQuantity(limits['memory'] ?? '');
  const cpu = parseQuantity(limits['cpu'] ?? '');
  if (memory === undefined && cpu === undefined) return undefined;
  return { ...(memory === undefined ? {} : { memory: Math.floor(memory) }), ...(cpu === undefined ? {} : { cpu }) };
}

/** Find out whether this user may limit processes, by doing so. `name` tells the groups of several nodes apart. */
export async function findCgroups(name: string): Promise<CgroupSupport> {
  const notEnforced = (why: string): CgroupSupport => ({ reason: `not enforced: ${why}` });
  if (process.platform !== 'linux') return notEnforced('there are no control groups on this system');
  try {
    const own = readFileSync('/proc/self/cgroup', 'utf8');
    const isUnified = existsSync(join(root, 'cgroup.controllers'));
    const found = isUnified ? await unified(own, name) : await divided(own, name);
    await found?.clear();
    if (found) return { cgroups: found, reason: `cpu and memory are enforced (cgroups v${isUnified ? 2 : 1})` };
    return notEnforced('this user may make no control groups with cpu and memory');
  } catch (error) {
    return notEnforced(error instanceof Error ? error.message : String(error));
  }
}

/** Version 2: one tree. The nearest place above this process that may be divided further. */
async function unified(own: string, name: string): Promise<Cgroups | undefined> {
  let above = /^0::(\/.*)$/m.exec(own)?.[1] ?? '/';
  do {
    above = dirname(above);
    const base = join(root, above, name);
    const prepare = (): void => divide(base);
    const groups = makeCgroups([{ base, prepare, limit: limitUnified }], 'memory.events');
    if (await works(groups)) return groups;
    await groups.clear();
  } while (above !== '/');
  return undefined;
}

function divide(base: string): void {
  if (existsSync(base)) return;
  mkdirSync(base);
  writeFileSync(join(base, 'cgroup.subtree_control'), '+cpu +memory');
}

function limitUnified(group: string, { memory, cpu }: Limits): void {
  if (memory !== undefined) {
    writeFileSync(join(group, 'memory.max'), String(memory));
    if (existsSync(join(group, 'memory.swap.max'))) writeFileSync(join(group, 'memory.swap.max'), '0');
  }
  if (cpu !== undefined) writeFileSync(join(group, 'cpu.max'), `${quotaOf(cpu)} ${periodUs}`);
}

/** Version 1: a tree for each controller. */
async function divided(own: string, name: string): Promise<Cgroups | undefined> {
  const baseOf = (controller: string): string => {
    const path = new RegExp(`^\\d+:(?:.*,)?${controller}(?:,.*)?:(.*)$`, 'm').exec(own)?.[1] ?? '/';
    return join(root, controller, path, name);
  };
  const memory = { base: baseOf('memory'), limit: limitMemory };
  const groups = makeCgroups([memory, { base: baseOf('cpu'), limit: limitCpu }], 'memory.oom_control');
  return (await works(groups)) ? groups : undefined;
}

function limitMemory(group: string, { memory }: Limits): void {
  if (memory === undefined) return;
  writeFileSync(join(group, 'memory.limit_in_bytes'), String(memory));
  const withSwap = join(group, 'memory.memsw.limit_in_bytes');
  if (existsSync(withSwap)) writeFileSync(withSwap, String(memory));
}

function limitCpu(group: string, { cpu }: Limits): void {
  if (cpu === undefined) return;
  writeFileSync(join(group, 'cpu.cfs_period_us'), String(periodUs));
  writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quotaOf(cpu)));
}

function quotaOf(cpu: number): number {
  return Math.max(1_000, Math.round(cpu * periodUs));
}

/** Groups in these trees; the first one counts in `oomFile` what was killed for want of memory. */
function makeCgroups(trees: readonly Tree[], oomFile: string): Cgroups {
  return {
    create: (id, limits) =>
      trees.map(({ base, prepare, limit }) => {
        prepare?.();
        const group = join(base, id);
        mkdirSync(group, { recursive: true });
        limit(group, limits);
        return join(group, 'cgroup.procs');
      }),
    remove: async (id) => {
      const [first] = trees;
      const killed = first !== undefined && oomKills(join(first.base, id, oomFile)) > 0;
      for (const { base } of trees) await removeGroup(join(base, id));
      return killed;
    },
    clear: async () => {
      for (const { base } of trees) {
        for (const id of groupsIn(base)) await removeGroup(join(base, id));
        await removeGroup(base);
      }
    },
  };
}

function groupsIn(base: string): readonly string[] {
  if (!existsSync(base)) return [];
  return readdirSync(base, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

function oomKills(file: string): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '0');
  } catch {
    return 0;
  }
}

/** A process can be put into a group: what could not be is found out before anybody relies on it. */
async function works(groups: Cgroups): Promise<boolean> {
  const id = `probe-${process.pid}`;
  try {
    const [file = '', ...args] = joining(groups.create(id, { memory: 64 * 1024 * 1024, cpu: 1 }), ['true']);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    execFile(file, args, { timeout: 5_000 }, (error) => resolve(!error));
    return await promise;
  } catch {
    return false;
  } finally {
    await groups.remove(id);
  }
}

const joinScript = 'n=$1; shift; while [ "$n" -gt 0 ]; do echo 0 >"$1" || exit 128; shift; n=$((n-1)); done; exec "$@"';

/** A command that puts itself into groups before it becomes the one that is wanted. */
export function joining(files: readonly string[], command: readonly string[]): readonly string[] {
  return ['/bin/sh', '-c', joinScript, 'sh', String(files.length), ...files, ...command];
}

const tries = 100;
const pauseMs = 10;

/** A group goes once nothing is in it: what was killed may need a moment. */
async function removeGroup(group: string): Promise<void> {
  for (let attempt = 0; attempt < tries && existsSync(group); attempt++) {
    if (attempt > 0) await delay(pauseMs);
    try {
      for (const pid of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
        sendSignal(Number(pid), 'SIGKILL');
      }
      rmdirSync(group);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EBUSY' && code !== 'ENOENT') return;
    }
  }
}
