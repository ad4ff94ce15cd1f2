import { keyText, type ObjectKey } from '@sluice/model';
import type { KubeApi } from './kube-api.ts';
import { createLeaderElection, type LeaderElection, type LeaderElectionOptions } from './leader-election.ts';
import { fenceWrites, type Leadership, NotLeaderError } from './leadership.ts';

/** The shard of a key, from 0: the same in every process and release (FNV-1a, 32 bits, over UTF-16 units). */
export function shardOf(key: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % shards;
}

export type ShardedElectionOptions = LeaderElectionOptions & {
  /** Number of leases, `<lease>-0` and up. All processes must agree on it. */
  readonly shards: number;
  /** Place of this process among `replicas`, from 0. It takes the shards `shard % replicas === replica` at once, others late. */
  readonly replica?: number;
  readonly replicas?: number;
};

export type ShardedElection = Leadership & {
  start(): void;
  /** Shards held now. */
  shards(): readonly number[];
  close(): Promise<void>;
};

/**
 * One lease a shard, so that several processes share the keys of a controller: each key has one owner at a time. A shard
 * whose preferred process is away is taken by another after one more lease duration.
 */
export function createShardedElection(options: ShardedElectionOptions): ShardedElection {
  const { shards, replica = 0, replicas = 1, lease, leaseDurationMs = 15_000 } = options;
  const elections: readonly LeaderElection[] = Array.from({ length: shards }, (_, shard) =>
    createLeaderElection({
      ...options,
      lease: { ...lease, name: `${lease.name}-${shard}` },
      yieldMs: shard % replicas === replica ? 0 : leaseDurationMs,
    }),
  );
  const electionOf = (key: string): LeaderElection | undefined => elections[shardOf(key, shards)];
  return {
    start: () => elections.forEach((election) => election.start()),
    shards: () => elections.flatMap((election, shard) => (election.leading() ? [shard] : [])),
    owns: (key) => electionOf(key)?.leading() ?? false,
    term: (key) => electionOf(key)?.term(key),
    onGained(listener) {
      const stops = elections.map((election) => election.onGained(listener));
      return () => stops.forEach((stop) => stop());
    },
    fence: (kube: KubeApi, key?: ObjectKey) =>
      fenceWrites(kube, () => {
        if (!key) throw new NotLeaderError('with shards, writes are fenced by the key that is worked on: give it');
        const term = electionOf(keyText(key))?.term(keyText(key));
        if (!term) throw new NotLeaderError(`the shard of ${keyText(key)} is not held: nothing is written`);
        return term;
      }),
    close: async () => void (await Promise.all(elections.map((election) => election.close()))),
  };
}
