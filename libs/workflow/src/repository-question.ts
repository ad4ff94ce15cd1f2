import type { JsonObject } from '@sluice/model';
import type { ArtifactRepository, RepositoryAnswer } from './pod-artifacts.ts';

export type { RepositoryAnswer } from './pod-artifacts.ts';

/** The look for the artifact repository of a workflow: at most one, whose answer stays in the status. */
export class RepositoryQuestion {
  readonly #answer: RepositoryAnswer | undefined;
  /** Somebody needed the repository. */
  asked = false;

  constructor(answer: RepositoryAnswer | undefined, stored: JsonObject | undefined) {
    const known = stored && fromStatus(stored);
    this.#answer = known ? { ok: true, value: known } : answer;
  }

  ask(): RepositoryAnswer | undefined {
    this.asked = true;
    return this.#answer;
  }

  /** It was needed and is not known. */
  get open(): boolean {
    return this.asked && this.#answer === undefined;
  }

  /** What the status keeps once the repository was used. */
  get stored(): JsonObject | undefined {
    if (!this.asked || !this.#answer?.ok) return undefined;
    const { reference, repository } = this.#answer.value;
    return { ...reference, artifactRepository: repository };
  }
}

function fromStatus(stored: JsonObject): ArtifactRepository | undefined {
  const { artifactRepository, ...reference } = stored;
  if (typeof artifactRepository !== 'object' || artifactRepository === null) return undefined;
  return { repository: artifactRepository as JsonObject, reference };
}
