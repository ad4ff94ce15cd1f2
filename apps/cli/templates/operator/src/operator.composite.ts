import { defineComposite, defineOperator, notReady, type Observed, ready, resources } from '@sluice/operator';
import { buildDeployment, readyServers } from './children.ts';
import { kind, type Sample } from './kind.ts';

/** Pure: from a Sample and what there is of it to what there should be. */
export function decide(object: Sample, { children }: Observed) {
  const wanted = object.spec.servers;
  const servers = readyServers(children['Deployment'] ?? []);
  const message = `${servers} of ${wanted} servers are ready`;
  return {
    children: [buildDeployment(object)],
    status: { servers },
    ready: servers === wanted ? ready('Serving', message) : notReady('Starting', message),
  };
}

const controller = defineComposite<Sample, { servers: number }>({
  name: 'sample',
  kind,
  children: [resources.deployments],
  decide,
});

export const operator = defineOperator({ name: 'sample-operator', kinds: [kind], controllers: [controller] });
