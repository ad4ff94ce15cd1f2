import {
  defineComposite,
  defineOperator,
  isReadyByCondition,
  type KubeObject,
  notReady,
  type Observed,
  ready,
  resources,
} from '@sluice/operator';
import { jenkinses, kind, type Project } from './kind.ts';

type Status = { readonly namespace: string; readonly jenkins: 'None' | 'Installing' | 'Ready' };

const namespaceOf = ({ metadata }: Project): string => `project-${metadata.name}`;

/** Pure: from a Project and what there is to what there should be. */
export function decide(project: Project, { children, related }: Observed) {
  const namespace = namespaceOf(project);
  const wanted = [buildNamespace(project), ...(project.spec.jenkins ? [buildJenkins(project, related)] : [])];
  const [installed] = children['Jenkins'] ?? [];
  const isReady = installed?.status !== undefined && isReadyByCondition(installed);
  const jenkins = !project.spec.jenkins ? 'None' : isReady ? 'Ready' : 'Installing';
  const status: Status = { namespace, jenkins };
  const done =
    jenkins === 'Installing'
      ? notReady('Installing', 'Jenkins is being installed')
      : ready('Prepared', `work in ${namespace}`);
  return { children: wanted, status, ready: done };
}

/** Jenkins goes first, while the namespace that it is uninstalled from is still there. */
export function finalize(project: Project, { children }: Observed) {
  const gone = (children['Jenkins'] ?? []).length === 0;
  const status: Status = { namespace: namespaceOf(project), jenkins: 'None' };
  return {
    children: [buildNamespace(project)],
    status,
    finalized: gone,
    ready: notReady('Deleting', 'Jenkins is being uninstalled'),
  };
}

const controller = defineComposite<Project, Status>({
  name: 'projects',
  kind,
  children: [resources.namespaces, jenkinses],
  // What a Project leaves open is said in a ConfigMap; when it changes, every Project is decided anew.
  related: [
    {
      resource: resources.configMaps,
      labelSelector: 'examples.sluice.dev/project-defaults=true',
      concerns: () => true,
    },
  ],
  decide,
  finalize,
});

export const operator = defineOperator({ name: 'project-operator', kinds: [kind], controllers: [controller] });

function buildNamespace(project: Project): KubeObject {
  const annotations = { 'examples.sluice.dev/contact': project.spec.contact };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespaceOf(project), annotations } };
}

function buildJenkins(project: Project, related: Observed['related']): KubeObject {
  const [defaults] = (related['ConfigMap'] ?? []) as readonly (KubeObject & { data?: Record<string, string> })[];
  const executors = project.spec.jenkins?.executors ?? Number(defaults?.data?.['executors'] ?? 2);
  const metadata = { name: project.metadata.name, namespace: namespaceOf(project) };
  return { apiVersion: 'ci.example.com/v1', kind: 'Jenkins', metadata, spec: { executors } };
}
