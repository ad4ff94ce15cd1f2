import type { Head } from './ports.ts';

/** Refs that `status.heads` of a Repository holds at most: some 200 KB of the 1.5 MB that an object may have. */
export const maxFollowedHeads = 2_000;

export type FollowedHeads = {
  readonly followed: readonly Head[];
  /** Refs beyond the bound: their deliveries are handled, but a lost one is not made good. */
  readonly left: number;
};

/**
 * The heads that gap repair looks after. What is recorded stays followed while it exists; room that is left goes to the
 * default branch, open pull requests, branches and tags, in this order.
 */
export function followHeads(
  heads: readonly Head[],
  recorded: Readonly<Record<string, string>>,
  defaultBranch: string,
  limit = maxFollowedHeads,
): FollowedHeads {
  if (heads.length <= limit) return { followed: heads, left: 0 };
  const rank = ({ ref }: Head): number => {
    if (ref === `refs/heads/${defaultBranch}`) return 0;
    if (Object.hasOwn(recorded, ref)) return 1;
    if (ref.startsWith('refs/pull/')) return 2;
    return ref.startsWith('refs/heads/') ? 3 : 4;
  };
  const ranked = heads.toSorted((a, b) => rank(a) - rank(b));
  return { followed: ranked.slice(0, limit), left: heads.length - limit };
}

/** Whether a ref may be written to the record: it is there already, or there is room. */
export function hasRoom(recorded: Readonly<Record<string, string>> | undefined, ref: string): boolean {
  return recorded === undefined || Object.hasOwn(recorded, ref) || Object.keys(recorded).length < maxFollowedHeads;
}
