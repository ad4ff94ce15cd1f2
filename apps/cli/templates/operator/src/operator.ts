import { defineController, defineOperator, notReady, ready, resources } from '@sluice/operator';
import { buildDeployment, readyServers } from './children.ts';
import { kind, type Sample } from './kind.ts';

/** Called whenever a Sample or its Deployment changes: works from what is, and says what should be. */
const controller = defineController<Sample, { servers: number }>({
  name: 'sample',
  kind,
  owns: [resources.deployments],
  async reconcile(object, { apply, children }) {
    await apply(buildDeployment(object));
    const wanted = object.spec.servers;
    const servers = readyServers(children(resources.deployments));
    const message = `${servers} of ${wanted} servers are ready`;
    return {
      status: { servers },
      ready: servers === wanted ? ready('Serving', message) : notReady('Starting', message),
    };
  },
});

export const operator = defineOperator({ name: 'sample-operator', kinds: [kind], controllers: [controller] });
