import type { Pass } from './pass.ts';
import { mapLayer, type VariableLayer } from './variables.ts';

const globalArtifacts = 'workflow.outputs.artifacts.';

/** The variables `workflow.*` as a layer, with the artifacts that have a global name, the time and the lots. */
export function globalLayer(pass: Pass): VariableLayer {
  return {
    ...mapLayer(pass.globals),
    host: pass.host,
    artifact: (name) =>
      name.startsWith(globalArtifacts)
        ? pass.outputs?.artifacts?.find((artifact) => artifact.name === name.slice(globalArtifacts.length))
        : undefined,
    artifactNames: () => (pass.outputs?.artifacts ?? []).map(({ name }) => `${globalArtifacts}${name}`),
  };
}
