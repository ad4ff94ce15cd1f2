import type { Store, StoreOperation } from '@sluice/store';
import { createHash } from 'node:crypto';
import type {
  CheckRecord,
  CommentRecord,
  DeliveryRecord,
  DeploymentRecord,
  PullRecord,
  RepoRecord,
  UserRecord,
} from './records.ts';

/** A change that is committed together with others. Built by the methods of {@link ForgeState}. */
export type Change = StoreOperation;

/** Everything the forge remembers besides git objects and refs, over one key-value store. */
export type ForgeState = ReturnType<typeof createForgeState>;

const root = 'forge/';
const last = '\uffff';

/** Typed access to the records. Reads are of committed values; writes are changes that callers commit together. */
export function createForgeState(store: Store) {
  const read = <T>(key: string): T | undefined => {
    const bytes = store.get(root + key);
    return bytes && (JSON.parse(Buffer.from(bytes).toString('utf8')) as T);
  };
  const list = <T>(prefix: string, limit: number, reverse = false): T[] => {
    const found: T[] = [];
    for (const [, bytes] of store.range({ gte: root + prefix, lt: root + prefix + last, limit, reverse })) {
      found.push(JSON.parse(Buffer.from(bytes).toString('utf8')) as T);
    }
    return found;
  };
  const put = (key: string, value: unknown): Change => ({
    type: 'put',
    key: root + key,
    value: Buffer.from(JSON.stringify(value)),
  });
  const remove = (key: string): Change => ({ type: 'delete', key: root + key });
  return {
    commit: (changes: readonly Change[]): Promise<void> =>
      changes.length === 0 ? Promise.resolve() : store.commit(changes),
    /** The last number given out. Holders of the lock take the ones after it and commit where they stopped. */
    counter: (name: string) => read<number>(`counter/${name}`) ?? 0,
    putCounter: (name: string, value: number) => put(`counter/${name}`, value),

    repos: () => list<RepoRecord>('repo/', maxRepos),
    repo: (name: string) => read<RepoRecord>(`repo/${name}`),
    putRepo: (repo: RepoRecord) => put(`repo/${repo.name}`, repo),

    user: (login: string) => read<UserRecord>(`user/${login}`),
    putUser: (user: UserRecord) => put(`user/${user.login}`, user),

    /** Where each ref was when its last change was announced. */
    handledRefs: (repoId: number) =>
      new Map(list<HandledRef>(`ref/${padded(repoId)}/`, maxRefs).map(({ ref, sha }) => [ref, sha])),
    putHandledRef: (repoId: number, ref: string, sha: string) => put(refKey(repoId, ref), { ref, sha }),
    removeHandledRef: (repoId: number, ref: string) => remove(refKey(repoId, ref)),

    pull: (repoId: number, number: number) => read<PullRecord>(`pull/${padded(repoId)}/${padded(number)}`),
    /** Newest first. */
    pulls: (repoId: number) => list<PullRecord>(`pull/${padded(repoId)}/`, maxListed, true),
    putPull: (repoId: number, pull: PullRecord) => put(`pull/${padded(repoId)}/${padded(pull.number)}`, pull),

    comments: (repoId: number, number: number) =>
      list<CommentRecord>(`comment/${padded(repoId)}/${padded(number)}/`, maxListed),
    putComment: (repoId: number, number: number, comment: CommentRecord) =>
      put(`comment/${padded(repoId)}/${padded(number)}/${padded(comment.id)}`, comment),

    check: (repoId: number, sha: string, externalId: string) =>
      read<CheckRecord>(`check/${padded(repoId)}/${sha}/${externalId}`),
    checks: (repoId: number, sha: string) => list<CheckRecord>(`check/${padded(repoId)}/${sha}/`, maxListed),
    putCheck: (repoId: number, check: CheckRecord) =>
      put(`check/${padded(repoId)}/${check.sha}/${check.externalId}`, check),

    deployment: (repoId: number, externalId: string) =>
      read<DeploymentRecord>(`deployment/${padded(repoId)}/${externalId}`),
    deployments: (repoId: number) => list<DeploymentRecord>(`deployment/${padded(repoId)}/`, maxListed),
    putDeployment: (repoId: number, deployment: DeploymentRecord) =>
      put(`deployment/${padded(repoId)}/${deployment.externalId}`, deployment),

    /** Waiting deliveries of a repository, oldest first. */
    deliveries: (repoId: number, limit: number) => list<DeliveryRecord>(`delivery/${padded(repoId)}/`, limit),
    /** Deliveries that were given up, newest first. */
    deadDeliveries: (repoId: number, limit: number) =>
      list<DeliveryRecord>(`dead-delivery/${padded(repoId)}/`, limit, true),
    putDelivery: (delivery: DeliveryRecord) => put(deliveryKey(delivery), delivery),
    removeDelivery: (delivery: DeliveryRecord) => remove(deliveryKey(delivery)),
  };
}

type HandledRef = { readonly ref: string; readonly sha: string };

const maxRepos = 10_000;
const maxRefs = 200_000;
const maxListed = 1_000;

function padded(value: number): string {
  return String(value).padStart(12, '0');
}

function deliveryKey({ repoId, sequence, givenUp }: DeliveryRecord): string {
  const kind = givenUp === undefined ? 'delivery' : 'dead-delivery';
  return `${kind}/${padded(repoId)}/${padded(sequence)}`;
}

/** A ref may be longer than a key; the value carries its name. */
function refKey(repoId: number, ref: string): string {
  return `ref/${padded(repoId)}/${createHash('sha256').update(ref).digest('hex')}`;
}
