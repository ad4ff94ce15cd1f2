import type { ContainerView, ViewMount } from './container-view.ts';

/** Everything that a container's process depends on, whichever runtime starts it. */
export type ContainerInput = {
  readonly hostname: string;
  /** Writable directory of this run of the container: its `/`. */
  readonly rootfs: string;
  readonly volumes: readonly ViewMount[];
  readonly image?: { readonly directory: string; readonly userland: boolean };
  /** File shown as /etc/hosts. */
  readonly hostsFile?: string;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** Files that are read once the container has ended. */
  readonly outputPaths: readonly string[];
};

/** A process ready to be started. */
export type LaunchPlan = {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The process reports its child's pid and end as JSON on descriptor 3 (bubblewrap). */
  readonly reportsStatus: boolean;
  /** What the container sees; used to find its output files. */
  readonly view: ContainerView;
  /** Open descriptors that the process gets as its 4, 5 ... */
  readonly inherit?: readonly number[];
};

/** How another process of a container is to be made. */
export type EntryOptions = {
  /** Descriptors of the new process that stand for the container's user and process namespaces. */
  readonly namespaces?: { readonly user?: number; readonly process: number };
  /** It keeps the session that it is started in: that of a terminal. */
  readonly terminal?: boolean;
};

/** Turns a container into a process. `entry`: another process of a container that was planned before (exec, probe, hook). */
export type ContainerRuntime = {
  readonly kind: 'sandbox' | 'process';
  /** The namespaces under /proc/PID/ns that another process of the container can be put into. */
  namespacesOf(input: ContainerInput): readonly ('user' | 'pid')[];
  plan(input: ContainerInput, entry?: EntryOptions): LaunchPlan;
};

/** What every container is given of the host's tools. */
export type HostTools = { readonly pathDirectories: readonly string[]; readonly readOnlyPaths: readonly string[] };
