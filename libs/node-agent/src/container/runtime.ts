import type { Resources, SecurityContext } from '../pod/pod-spec.ts';
import type { ContainerView, ViewMount } from './container-view.ts';

/** How containers are run on this machine. */
export type RuntimeKind = 'sandbox' | 'process' | 'containerd';

/** Everything that a container's process depends on, whichever runtime starts it. */
export type ContainerInput = {
  /** Name of this run of the container, unique on the machine. */
  readonly id: string;
  readonly hostname: string;
  /** Writable directory of this run of the container: its `/`. */
  readonly rootfs: string;
  readonly volumes: readonly ViewMount[];
  readonly image?: {
    /** Its unpacked files; absent where the runtime keeps images itself, under a name. */
    readonly directory?: string;
    readonly name?: string;
    readonly userland: boolean;
    /** The user that the image names. */
    readonly user?: string;
  };
  /** File shown as /etc/hosts. */
  readonly hostsFile?: string;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly resources?: Resources;
  /** The pod's and the container's settings in one. */
  readonly security?: SecurityContext;
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
  /** The process is a client that stands for one elsewhere, whose pid it writes here once it is made; exec: no file. */
  readonly container?: {
    readonly pidFile?: string;
    /** The arguments when the output is not to pass through the client, which may lose some, but goes to these files. */
    readonly redirected?: (out: string, err: string) => readonly string[];
  };
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
  readonly kind: RuntimeKind;
  /** Nothing tells in which order the two streams were written: they are kept apart. */
  readonly separateStreams?: boolean;
  /** The namespaces under /proc/PID/ns that another process of the container can be put into. */
  namespacesOf(input: ContainerInput): readonly ('user' | 'pid')[];
  /** Make the file system of a container, before it is planned. */
  prepare?(input: ContainerInput, signal: AbortSignal): Promise<void>;
  plan(input: ContainerInput, entry?: EntryOptions): LaunchPlan;
  /** Remove what {@link prepare} and the run have made. Never rejects. */
  release?(input: ContainerInput): Promise<void>;
  /** After {@link release}: the container was ended for having used more memory than its limit. */
  ranOutOfMemory?(input: ContainerInput): boolean;
  /** The agent stops. */
  close?(): Promise<void> | void;
};

/** What every container is given of the host's tools. */
export type HostTools = { readonly pathDirectories: readonly string[]; readonly readOnlyPaths: readonly string[] };
