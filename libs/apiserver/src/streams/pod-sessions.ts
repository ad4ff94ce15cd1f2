import type { Duplex, Readable, Writable } from 'node:stream';
import type { ObjectKey } from '@sluice/model';

/** Size of a terminal in characters. */
export type TerminalSize = { readonly width: number; readonly height: number };

/** What a client sends to and takes from a process in a container. */
export type SessionStreams = {
  /** Absent when the client sends none. */
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** Called with each size of the client's terminal, the present one first. */
  readonly onResize: (listener: (size: TerminalSize) => void) => void;
  /** Fires when the client has gone. */
  readonly signal: AbortSignal;
};

/** How a session ended. `message`: it could not be begun, or not as asked. */
export type SessionEnd = { readonly code: number; readonly message?: string };

/** Where exec, attach and port-forward lead: whoever runs the pods. Errors with a code and a reason become Statuses. */
export type PodSessions = {
  exec(
    pod: ObjectKey,
    options: { readonly container: string; readonly command: readonly string[]; readonly tty: boolean },
    streams: SessionStreams,
  ): Promise<SessionEnd>;
  attach(
    pod: ObjectKey,
    options: { readonly container: string; readonly tty: boolean },
    streams: SessionStreams,
  ): Promise<SessionEnd>;
  /** A connection to a port of the pod. Rejects when nobody listens. */
  forward(pod: ObjectKey, port: number): Promise<Duplex>;
};
