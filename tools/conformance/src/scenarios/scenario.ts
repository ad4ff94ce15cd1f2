import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject, KubeObject } from '@sluice/model';
import { parse } from 'yaml';

/** One scenario file, as README.md of the corpus describes it. */
export type Scenario = {
  readonly name: string;
  readonly features: readonly string[];
  readonly objects?: readonly KubeObject[];
  readonly controllerConfig?: JsonObject;
  readonly workflow: KubeObject;
  readonly otherWorkflows?: readonly KubeObject[];
  readonly now?: string;
  readonly play: readonly PlayEntry[];
};

export type PodReport = {
  readonly node: string;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly exitCode?: number;
  readonly message?: string;
  readonly result?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly artifacts?: readonly string[];
  readonly reason?: string;
  readonly podIP?: string;
  readonly host?: string;
  readonly containers?: Readonly<
    Record<
      string,
      { readonly state: string; readonly exitCode?: number; readonly reason?: string; readonly message?: string }
    >
  >;
};

export type PlayEntry = {
  readonly expect?: Expectation;
  readonly pods?: readonly PodReport[];
  readonly allOtherPods?: PodReport['phase'];
  readonly deletePods?: readonly string[];
  readonly advance?: string;
  readonly patchWorkflow?: JsonObject;
  readonly action?: string;
  readonly nodes?: string;
  readonly message?: string;
  readonly parameters?: readonly string[] | Readonly<Record<string, string>>;
  readonly restartSuccessful?: boolean;
  readonly memoized?: boolean;
  readonly fails?: boolean;
  readonly setOutputs?: { readonly node: string; readonly parameters: Readonly<Record<string, string>> };
  readonly apply?: KubeObject;
  readonly delete?: { readonly kind: string; readonly name: string; readonly namespace?: string };
  readonly restartController?: JsonObject;
  readonly denyCreate?: readonly {
    readonly kind: string;
    readonly code: number;
    readonly reason: string;
    readonly message: string;
  }[];
};

export type NodeExpectation = JsonObject;
export type Expectation = JsonObject & {
  readonly nodes?: Readonly<Record<string, NodeExpectation>>;
  readonly otherWorkflows?: Readonly<Record<string, Expectation>>;
};

/** The scenarios of a directory, by name. Throws for a file that cannot be read. */
export function readScenarios(directory: string): readonly Scenario[] {
  const files = readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .toSorted();
  return files.map((file) => parse(readFileSync(join(directory, file), 'utf8')) as Scenario);
}
