import type { RuntimeKind } from '@sluice/node-agent';

/** What `startLocal` needs to know. Ports: 0 picks a free one. */
export type LocalConfig = {
  /** The data directory. */
  readonly directory: string;
  readonly host: string;
  readonly ports: {
    readonly api: number;
    readonly forge: number;
    readonly registry: number;
    readonly receiver: number;
  };
  readonly runtime: 'auto' | RuntimeKind;
  /** Start the cluster, forge and registry only: the apps run by themselves. */
  readonly clusterOnly?: boolean;
  /** The environment of the process: where git, helm and bubblewrap are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Ports of `sluice up`, all on loopback. */
export const defaultPorts = Object.freeze({ api: 7443, forge: 7080, registry: 7050, receiver: 7070 });

const runtimes = ['auto', 'sandbox', 'process', 'containerd'] as const;

/** Parse SLUICE_RUNTIME; undefined for a word that names no runtime. */
export function parseRuntime(text: string | undefined): LocalConfig['runtime'] | undefined {
  if (text === undefined || text === '') return 'auto';
  return runtimes.find((name) => name === text);
}
