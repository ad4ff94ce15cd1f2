import type { JsonObject } from './kube-object.ts';

/** How an artifact is packed: one compressed tar, one zip, or its files as they are. */
export type ArchiveKind = 'tar' | 'zip' | 'none';

/**
 * Where an artifact lies, in the words of a workflow: one of `s3`, `http`, `artifactory`, `git`, `raw`, `plugin`. Secrets are named
 * in it, never written out: whoever moves the artifact reads them.
 */
export type ArtifactLocation = JsonObject;

/** An artifact that is brought to a path of the main container before it starts. */
export type ArtifactInput = {
  readonly name: string;
  readonly path: string;
  readonly location: ArtifactLocation;
  /** Absent: the content tells. */
  readonly archive?: ArchiveKind;
  readonly mode?: number;
  readonly recurseMode?: boolean;
  readonly optional?: boolean;
};

/** A file or directory of the main container that is kept once the container has ended. */
export type ArtifactOutput = {
  readonly name: string;
  readonly path: string;
  readonly location: ArtifactLocation;
  readonly archive: ArchiveKind;
  /** Of gzip or deflate, 0 to 9; -1 or absent: the usual one. */
  readonly compressionLevel?: number;
  readonly optional?: boolean;
  /** What the status of the node shows as location, where that is shorter. */
  readonly shown?: ArtifactLocation;
};

/** The log of a container that is kept as an artifact. */
export type LogOutput = {
  readonly name: string;
  readonly container: string;
  readonly location: ArtifactLocation;
  readonly shown?: ArtifactLocation;
};

/** What a node brings into a pod before its main container starts; JSON in the annotation `sluice.dev/inputs`. */
export type PodInputs = { readonly container: string; readonly artifacts: readonly ArtifactInput[] };

/** What a mover of artifacts is told about the pod that it works for. */
export type ArtifactContext = {
  readonly namespace: string;
  /** A key of a Secret of the namespace. Rejects when it is not there. */
  readonly secret: (name: string, key: string) => Promise<string>;
  readonly signal: AbortSignal;
  /** What a link in a directory that is kept file by file leads to, by its path in it; without this such links are refused. */
  readonly follow?: (path: string) => string | undefined;
};

/** Moves artifacts between their locations and this machine. Failures are errors whose message a user can act upon. */
export type ArtifactMover = {
  /** Bring an artifact to `target`, which does not exist yet. `missing`: there is none. */
  fetch(input: ArtifactInput, target: string, context: ArtifactContext): Promise<'done' | 'missing'>;
  /** Keep the file or directory at `source`. */
  keep(output: Omit<ArtifactOutput, 'path'>, source: string, context: ArtifactContext): Promise<void>;
  /** Keys below a location, sorted. */
  list(location: ArtifactLocation, context: ArtifactContext): Promise<readonly string[]>;
  /** Delete what is at a location; what is not there counts as deleted. */
  remove(location: ArtifactLocation, context: ArtifactContext): Promise<void>;
};
