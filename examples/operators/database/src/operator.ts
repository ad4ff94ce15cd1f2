import { defineOperator, definePlan, type JsonObject, type PlanPhase } from '@sluice/operator';
import { type Database, kind } from './kind.ts';

/** The plans of a Database. Each phase is a Workflow, seen with `kubectl get workflows` and `sluice logs` like any other. */
const controller = definePlan<Database>({
  name: 'databases',
  kind,
  plans: {
    install: { phases: [phase('provision', 'echo "a volume for $NAME"'), phase('seed', 'echo "schema $VERSION"')] },
    // For each change of the spec that no other plan claims. A failed backup keeps the migration from beginning.
    upgrade: { phases: [phase('backup', 'echo "backup of $NAME"'), phase('migrate', 'echo "to schema $VERSION"')] },
    resize: { on: ['replicas'], phases: [phase('scale', 'echo "$REPLICAS copies"')] },
    backup: { every: ({ spec }) => spec.backupEvery, phases: [phase('dump', 'echo "dump of $NAME"')] },
    delete: { phases: [phase('export', 'echo "export of $NAME"')] },
  },
});

export const operator = defineOperator({ name: 'database-operator', kinds: [kind], controllers: [controller] });

/** A phase that runs a script. What people wrote reaches it as variables, never as part of the script. */
function phase(name: string, script: string): PlanPhase<Database> {
  return { name, workflow: (database) => buildWorkflow(database, script) };
}

function buildWorkflow({ metadata, spec }: Database, script: string): JsonObject {
  const env = { NAME: metadata.name, VERSION: spec.version, REPLICAS: String(spec.replicas) };
  const parameters = Object.entries(env).map(([name, value]) => ({ name, value }));
  const container = {
    image: 'alpine:3',
    command: ['sh', '-ec', script],
    env: parameters.map(({ name }) => ({ name, value: `{{workflow.parameters.${name}}}` })),
  };
  return { entrypoint: 'main', arguments: { parameters }, templates: [{ name: 'main', container }] };
}
