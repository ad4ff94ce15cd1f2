/** The global output parameter of the Workflow that carries the digest of what a step packaged. */
export function digestParameterOf(step: string): string {
  return `${step}-digest`;
}

/** `host[:port]` of the registry and the name of the Repository. */
export type ArtifactContext = { readonly registry: string; readonly repository: string };

/** `<registry>/<repository>/<name>`. */
export function imageUrl(name: string, { registry, repository }: ArtifactContext): string {
  return `${registry}/${repository}/${name}`;
}

/** `oci://<registry>/<repository>/charts/<name>`; the repository's name where the step names none. */
export function chartUrl(name: string | undefined, { registry, repository }: ArtifactContext): string {
  return `oci://${registry}/${repository}/charts/${name ?? repository}`;
}
