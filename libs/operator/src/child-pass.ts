import type { KubeObject } from '@sluice/model';
import { isKubeError, KubeApiError, NotLeaderError } from '@sluice/reconcile';
import { type ChildAction, type ChildKind, type ChildPolicy, decideUpdates, surplusOf } from './child-updates.ts';
import { type ChildWriter, type DesiredChild, isSameObject, kindId } from './child-writer.ts';
import { notReady, type Readiness, ready } from './readiness.ts';
import { hashOf } from './stable-text.ts';

/** The wish that a child was written from, so that a new start of the operator does not take old children for outdated. */
const wishAnnotation = 'sluice.dev/wish';

type PassOptions = {
  readonly writer: ChildWriter;
  readonly parent: KubeObject;
  readonly kinds: readonly ChildKind[];
  readonly isReady: (child: KubeObject) => boolean;
  readonly signal: AbortSignal;
};

/** What came of bringing the children of one parent about. */
export type PassOutcome = {
  /** What stopped it; the reconcile should be retried. */
  readonly failure?: unknown;
  /** `Ready`: what the composite says, unless a child could not be written. */
  readiness(decided: Readiness | undefined): Readiness;
};

/** One pass over the children of one parent. */
export class ChildPass {
  readonly #options: PassOptions;
  readonly #kindOf: ReadonlyMap<string, ChildKind>;

  constructor(options: PassOptions) {
    this.#options = options;
    this.#kindOf = new Map(
      options.kinds.map((child) => {
        const { group, version, kind } = child.resource;
        return [kindId(group ? `${group}/${version}` : version, kind), child];
      }),
    );
  }

  /** Make, change and remove children. Failures of the API server are part of the outcome. */
  async run(
    children: readonly KubeObject[],
    owned: readonly KubeObject[],
    { keepSurplus }: { readonly keepSurplus: boolean },
  ): Promise<PassOutcome> {
    try {
      return await this.#bringAbout(children, owned, keepSurplus);
    } catch (error) {
      // Somebody wrote first, or another process leads now: no news for the parent.
      if (isKubeError(error, 'Conflict') || error instanceof NotLeaderError) throw error;
      return { failure: error, readiness: () => notReady(reasonOf(error), messageOf(error)) };
    }
  }

  async #bringAbout(
    children: readonly KubeObject[],
    owned: readonly KubeObject[],
    keepSurplus: boolean,
  ): Promise<PassOutcome> {
    const { writer } = this.#options;
    const wanted = children.map((child) => this.#desired(child));
    const refused: string[] = [];
    const actions = this.#decide(wanted, owned);
    for (const action of actions) {
      if (action.kind === 'delete') await writer.delete(action.child, this.#options.signal);
      if (action.kind !== 'apply') continue;
      const child = wanted.find(({ object }) => isSameObject(object, action.child));
      if (child && (await this.#ensure(child, owned)) === 'foreign') refused.push(nameOf(action.child));
    }
    if (!keepSurplus) await this.#removeSurplus(owned, wanted);
    const held = actions.filter(({ kind }) => kind === 'hold').map(({ child }) => nameOf(child));
    return { readiness: (decided) => readinessOf({ refused, held, count: wanted.length, decided }) };
  }

  /** Let children that outlive their parent go, before the garbage collector finds them without one. */
  async release(owned: readonly KubeObject[]): Promise<void> {
    const { writer, parent, signal } = this.#options;
    for (const child of owned) {
      if (this.#kind(child)?.surplus === 'orphan') await writer.release(child, parent, signal);
    }
  }

  #desired(child: KubeObject): DesiredChild {
    const { writer, parent } = this.#options;
    const annotations = { ...child.metadata.annotations, [wishAnnotation]: hashOf(child) };
    return writer.desired(parent, { ...child, metadata: { ...child.metadata, annotations } });
  }

  #decide(wanted: readonly DesiredChild[], owned: readonly KubeObject[]): readonly ChildAction[] {
    const views = wanted.map((child) => {
      const stored = owned.find((object) => isSameObject(object, child.object));
      const wish = child.object.metadata.annotations?.[wishAnnotation];
      return {
        wanted: child.object,
        ...(stored && { stored }),
        sameWish: stored?.metadata.annotations?.[wishAnnotation] === wish,
        intact: stored !== undefined && this.#options.writer.isUpToDate(child, stored),
      };
    });
    return decideUpdates(views, (child): ChildPolicy => {
      const { update = 'InPlace', isReady = this.#options.isReady } = this.#kind(child) ?? {};
      return { update, isReady };
    });
  }

  async #ensure(child: DesiredChild, owned: readonly KubeObject[]): Promise<'same' | 'written' | 'foreign'> {
    const { writer, parent, signal } = this.#options;
    const before = owned.find((object) => isSameObject(object, child.object));
    const { adopt = false } = this.#kind(child.object) ?? {};
    return writer.ensure(child, before, { parent, signal, adopt });
  }

  async #removeSurplus(owned: readonly KubeObject[], wanted: readonly DesiredChild[]): Promise<void> {
    const { writer, parent, signal } = this.#options;
    for (const child of surplusOf(
      owned,
      wanted.map(({ object }) => object),
    )) {
      if (this.#kind(child)?.surplus === 'orphan') await writer.release(child, parent, signal);
      else await writer.delete(child, signal);
    }
  }

  #kind(child: KubeObject): ChildKind | undefined {
    return this.#kindOf.get(kindId(child.apiVersion, child.kind));
  }
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`;
}

type Facts = {
  readonly refused: readonly string[];
  readonly held: readonly string[];
  readonly count: number;
  readonly decided: Readiness | undefined;
};

function readinessOf({ refused, held, count, decided }: Facts): Readiness {
  if (refused.length > 0) {
    const message = `${refused.join(', ')}: exists and belongs to somebody else, so it is left alone; rename or delete it`;
    return notReady('ChildExists', message);
  }
  if (decided) return decided;
  if (held.length > 0) return notReady('Updating', `not yet as wanted: ${held.join(', ')}`);
  return ready('Applied', count === 1 ? '1 child is as it should be' : `${count} children are as they should be`);
}

function reasonOf(error: unknown): string {
  return error instanceof KubeApiError && error.reason === 'Invalid' ? 'ChildInvalid' : 'ChildNotWritten';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
