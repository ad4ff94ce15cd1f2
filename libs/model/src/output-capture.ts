import type { ArtifactOutput, LogOutput } from './pod-artifacts.ts';

/**
 * What a node captures from a pod once its main container has ended; JSON in the annotation `sluice.dev/outputs`.
 * The captured values travel as the termination message of that container: JSON of {@link CapturedOutputs}.
 * On a cluster whose nodes lack the label `sluice.dev/native-outputs: "true"` a wrapper in the pod writes the same JSON.
 */
export type OutputCapture = {
  readonly container: string;
  /** Capture standard output: the last 256 KiB, one trailing newline removed. */
  readonly result?: boolean;
  /** Files to read, one trailing newline removed. A missing file without `default` makes the pod fail. */
  readonly parameters?: readonly { readonly name: string; readonly path: string; readonly default?: string }[];
  /** Files and directories to keep. */
  readonly artifacts?: readonly ArtifactOutput[];
  /** Logs to keep. */
  readonly logs?: readonly LogOutput[];
};

/** The termination message that carries outputs. `error` says what could not be captured. */
export type CapturedOutputs = {
  readonly result?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  /** Names of the artifacts and logs that were kept. */
  readonly artifacts?: readonly string[];
  readonly error?: string;
};
