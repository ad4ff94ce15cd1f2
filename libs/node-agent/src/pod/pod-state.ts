/** How one run of a container ended. Times in milliseconds since the epoch. */
export type Exit = {
  readonly code: number;
  readonly signal?: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAt: number;
  readonly finishedAt: number;
};

/**
 * What the agent knows about one container.
 * waiting: not begun, or to be started (again) not before `notBefore`; starting: a start is under way, a process may exist;
 * running: the process exists; exited: ended, `exit` says how.
 */
export type ContainerState = {
  readonly phase: 'waiting' | 'starting' | 'running' | 'exited';
  /** Why it waits, if there is more to say than that its turn has not come. */
  readonly waiting?: { readonly reason: string; readonly message: string };
  readonly notBefore?: number;
  /** Starts that failed in a row before a process existed (image, configuration). */
  readonly failedStarts: number;
  readonly restarts: number;
  /** Ends in a row without a long run in between: the exponent of the back-off. */
  readonly crashes: number;
  readonly startedAt?: number;
  readonly imageId?: string;
  readonly pid?: number;
  /** Field 22 of /proc/<pid>/stat: tells a process from a later one with the same pid. */
  readonly pidStart?: string;
  readonly exit?: Exit;
  readonly previousExit?: Exit;
  /** The startup probe has succeeded, or there is none and postStart is done. */
  readonly started: boolean;
  /** It has been `started` once, in this or an earlier run: a sidecar then no longer holds up others. */
  readonly hasStarted?: boolean;
  /** The readiness probe succeeds, or there is none. */
  readonly ready: boolean;
  /** A stop was asked for. */
  readonly stopping?: boolean;
};

/** Why all containers of a pod are to end. */
export type Ending = {
  readonly reason: 'Deleted' | 'DeadlineExceeded';
  readonly since: number;
  readonly graceMs: number;
  /** Nothing is signalled before this time, so that proxies have noticed that the pod is no longer ready. */
  readonly drainUntil: number;
};

/** Volumes and directories of the pod. */
export type Preparation = {
  readonly phase: 'none' | 'busy' | 'ready' | 'failed';
  readonly reason?: string;
  readonly message?: string;
  readonly failures: number;
  readonly notBefore?: number;
};

/** Everything that the agent knows about a pod besides its spec. Plain data: `state.json` is this. */
export type PodState = {
  readonly ip?: string;
  readonly startedAt?: number;
  readonly preparation: Preparation;
  readonly containers: Readonly<Record<string, ContainerState>>;
  readonly ending?: Ending;
  /** The pod as a whole failed, whatever its containers say: NodeLost, Refused ... */
  readonly failure?: { readonly reason: string; readonly message: string };
};

/** A container that has not begun. */
export const newContainerState: ContainerState = Object.freeze({
  phase: 'waiting',
  failedStarts: 0,
  restarts: 0,
  crashes: 0,
  started: false,
  ready: false,
});

/** A pod that has not begun. */
export const newPodState: PodState = { preparation: { phase: 'none', failures: 0 }, containers: {} };

/** The state of a container by name; a container that was never touched is waiting. */
export function containerState(state: PodState, name: string): ContainerState {
  return state.containers[name] ?? newContainerState;
}

/** A process of the container may exist. */
export function isLive(state: ContainerState): boolean {
  return state.phase === 'starting' || state.phase === 'running';
}

/** The state of a container that is being started, for the first time or again. */
export function startingState(before: ContainerState, restart: boolean): ContainerState {
  const { waiting: _w, notBefore: _n, pid: _p, pidStart: _s, exit, ...kept } = before;
  return {
    ...kept,
    phase: 'starting',
    started: false,
    ready: false,
    stopping: false,
    ...(restart ? { restarts: before.restarts + 1 } : {}),
    ...(exit ? { previousExit: exit } : {}),
  };
}

/** The state with one container changed. */
export function withContainer(state: PodState, name: string, change: Partial<ContainerState>): PodState {
  const after = { ...containerState(state, name), ...change };
  return { ...state, containers: { ...state.containers, [name]: after } };
}
