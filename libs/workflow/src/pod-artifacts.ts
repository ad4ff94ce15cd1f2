import type { ArtifactInput, ArtifactLocation, ArtifactOutput, JsonObject, LogOutput } from '@sluice/model';
import {
  archiveOf,
  hasKeys,
  isComplete,
  joinKey,
  keyOfLocation,
  keyOnly,
  locationOf,
  partsOf,
  withKey,
  withSubPath,
} from './artifact-location.ts';
import type { Pass } from './pass.ts';
import { substitute, type Variables } from './variables.ts';
import type { Artifact, Template } from './workflow-types.ts';

/** The artifacts of one pod, each with its full location. */
export type PodArtifacts = {
  readonly inputs: readonly ArtifactInput[];
  readonly outputs: readonly ArtifactOutput[];
  readonly logs: readonly LogOutput[];
};

/** A repository of artifacts as a ConfigMap or the controller's configuration has it, and where it was found. */
export type ArtifactRepository = {
  /** `archiveLogs`, and one location without a key but perhaps with a `keyFormat`. */
  readonly repository: JsonObject;
  /** `configMap`, `key`, `namespace`; or `default: true`. */
  readonly reference: JsonObject;
};

/** What became of the look for a repository. */
export type RepositoryAnswer =
  { readonly ok: true; readonly value: ArtifactRepository } | { readonly ok: false; readonly message: string };

type Located =
  | { readonly kind: 'found'; readonly artifacts: PodArtifacts | undefined }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'problem'; readonly message: string };

/** Give every artifact of a pod its full location. `waiting`: the repository must be read first. */
export function locateArtifacts(
  pass: Pass,
  template: Template,
  variables: Variables,
  mainContainers: readonly string[],
): Located {
  const declared = [...(template.inputs?.artifacts ?? []), ...(template.outputs?.artifacts ?? [])];
  const mayArchive = pass.spec['archiveLogs'] === true || isArchiving(template) || pass.archivesLogs;
  if (declared.length === 0 && !mayArchive) return { kind: 'found', artifacts: undefined };
  const repository = pass.artifactRepository();
  if (repository === undefined) return { kind: 'waiting' };
  const locator = new Locator(pass, template, variables, repository);
  const inputs = (template.inputs?.artifacts ?? []).map((artifact) => locator.input(artifact));
  const outputs = (template.outputs?.artifacts ?? []).map((artifact) => locator.output(artifact));
  const logs = locator.archivesLogs() ? mainContainers.map((container) => locator.log(container)) : [];
  if (locator.problem !== undefined) return { kind: 'problem', message: locator.problem };
  const artifacts = { inputs: present(inputs), outputs: present(outputs), logs: present(logs) };
  return { kind: 'found', artifacts };
}

function present<T>(items: readonly (T | undefined)[]): readonly T[] {
  return items.filter((item) => item !== undefined);
}

function isArchiving(template: Template): boolean {
  return archiveLocationOf(template)['archiveLogs'] === true;
}

function archiveLocationOf(template: Template): JsonObject {
  const { archiveLocation } = template;
  return typeof archiveLocation === 'object' && archiveLocation !== null ? (archiveLocation as JsonObject) : {};
}

const defaultKeyFormat = '{{workflow.name}}/{{pod.name}}';

/** Finds locations, and keeps the first thing that is wrong. */
class Locator {
  problem: string | undefined;
  readonly #pass: Pass;
  readonly #template: Template;
  readonly #variables: Variables;
  readonly #repository: RepositoryAnswer;
  constructor(pass: Pass, template: Template, variables: Variables, repository: RepositoryAnswer) {
    this.#pass = pass;
    this.#template = template;
    this.#variables = variables;
    this.#repository = repository;
  }

  input(declared: Artifact): ArtifactInput | undefined {
    const artifact = this.#followed(declared);
    if (!artifact) return undefined;
    const { name, path, mode, recurseMode, optional } = artifact;
    if (path === undefined) return this.#refuse(`inputs.artifacts.${name} has no path`);
    const location = locationOf(artifact);
    if (!location) return optional === true ? undefined : this.#refuse(`inputs.artifacts.${name} was not supplied`);
    const full = isComplete(location) ? location : this.#relocated(location, name)?.location;
    if (!full) return undefined;
    const archive = archiveOf(artifact)?.kind;
    return {
      name,
      path,
      location: full,
      ...(archive ? { archive } : {}),
      ...(typeof mode === 'number' ? { mode } : {}),
      ...(recurseMode === true ? { recurseMode } : {}),
      ...(optional === true ? { optional } : {}),
    };
  }

  output(artifact: Artifact): ArtifactOutput | undefined {
    const { name, path, optional } = artifact;
    if (path === undefined) return undefined;
    const archive = archiveOf(artifact) ?? { kind: 'tar' as const };
    const place = this.#placeOf(artifact, fileName(name, path, archive.kind));
    if (!place) return undefined;
    return {
      name,
      path,
      ...place,
      archive: archive.kind,
      ...('level' in archive && archive.level !== undefined ? { compressionLevel: archive.level } : {}),
      ...(optional === true ? { optional } : {}),
    };
  }

  log(container: string): LogOutput | undefined {
    const place = this.#defaultPlace(`${container}.log`);
    return place && { name: `${container}-logs`, container, ...place };
  }

  /** The repository's wish wins, then the template's, then the workflow's. */
  archivesLogs(): boolean {
    const { ok } = this.#repository;
    if (ok && this.#repository.value.repository['archiveLogs'] === true) return true;
    const own = archiveLocationOf(this.#template)['archiveLogs'];
    return (typeof own === 'boolean' ? own : this.#pass.spec['archiveLogs']) === true;
  }

  /** An input may itself name where it comes from, as global artifacts do. */
  #followed(artifact: Artifact): Artifact | undefined {
    const { from, subPath, ...rest } = artifact;
    const tag = from?.replace(/^\{\{|\}\}$/g, '').trim();
    const found = tag === undefined ? undefined : this.#variables.artifact(tag);
    if (tag !== undefined && !found) {
      if (artifact.optional === true) return undefined;
      return this.#refuse(`failed to resolve {{${tag}}}`);
    }
    const merged: Artifact = found ? { ...rest, ...locationOf(found), ...archiveFrom(rest, found) } : rest;
    return typeof subPath === 'string' && subPath !== '' ? withSubPath(merged, subPath) : merged;
  }

  #placeOf(
    artifact: Artifact,
    file: string,
  ): { readonly location: ArtifactLocation; readonly shown?: ArtifactLocation } | undefined {
    const location = locationOf(artifact);
    if (!location) return this.#defaultPlace(file);
    if (!isComplete(location)) return this.#relocated(location, artifact.name);
    if (!hasKeys(location) || keyOfLocation(location) !== undefined) return { location };
    const directory = this.#filled(defaultKeyFormat);
    return directory === undefined ? undefined : { location: withKey(location, joinKey(directory, file)) };
  }

  /** A key without a store: the repository's. */
  #relocated(
    location: ArtifactLocation,
    name: string,
  ): { readonly location: ArtifactLocation; readonly shown: ArtifactLocation } | undefined {
    const key = keyOfLocation(location);
    if (key === undefined) return this.#refuse(`artifact ${name}: its location names no key`);
    const store = this.#store();
    return store && { location: withKey(store, key), shown: keyOnly(store, key) };
  }

  #defaultPlace(file: string): { readonly location: ArtifactLocation; readonly shown?: ArtifactLocation } | undefined {
    const own = locationOf(archiveLocationOf(this.#template));
    const ownDirectory = own && isComplete(own) ? (keyOfLocation(own) ?? this.#filled(defaultKeyFormat)) : undefined;
    if (own && ownDirectory !== undefined) return { location: withKey(own, joinKey(ownDirectory, file)) };
    const store = this.#store();
    const directory = store && this.#filled(keyFormatOf(store));
    if (directory === undefined) return undefined;
    const key = joinKey(directory, file);
    return { location: withKey(store ?? {}, key), shown: keyOnly(store ?? {}, key) };
  }

  #store(): ArtifactLocation | undefined {
    if (!this.#repository.ok) return this.#refuse(this.#repository.message);
    const store = locationOf(this.#repository.value.repository);
    if (!store || !hasKeys(store)) return this.#refuse('the artifact repository names no store that takes artifacts');
    return store;
  }

  #filled(format: string): string | undefined {
    const filled = substitute({ format }, this.#variables, { keepUnresolved: false });
    return filled.ok
      ? filled.value.format
      : this.#refuse(`the key format of the artifact repository: ${filled.message}`);
  }

  #refuse(message: string): undefined {
    this.problem ??= message;
    return undefined;
  }
}

function keyFormatOf(store: ArtifactLocation): string {
  const { keyFormat, keyPrefix } = partsOf(store).settings;
  if (typeof keyFormat === 'string' && keyFormat !== '') return keyFormat;
  return typeof keyPrefix === 'string' && keyPrefix !== '' ? joinKey(keyPrefix, defaultKeyFormat) : defaultKeyFormat;
}

/** The consumer's own strategy, else the producer's. */
function archiveFrom(own: JsonObject, found: Artifact): JsonObject {
  const archive = own['archive'] ?? found['archive'];
  return archive === undefined ? {} : { archive };
}

function fileName(name: string, path: string, archive: ArtifactOutput['archive']): string {
  if (archive === 'tar') return `${name}.tgz`;
  if (archive === 'zip') return `${name}.zip`;
  return path.split('/').findLast((part) => part !== '') ?? name;
}
