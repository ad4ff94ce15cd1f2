import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkWorkflowPolicy, workflowPolicies } from './workflow-policy.ts';

const cases: { policy: string; spec: object; path?: string }[] = [
  { policy: 'serviceAccount', spec: { serviceAccountName: 'admin' }, path: 'spec.serviceAccountName' },
  { policy: 'serviceAccount', spec: { templates: [{ executor: { serviceAccountName: 'admin' } }] } },
  { policy: 'serviceAccount', spec: { automountServiceAccountToken: true } },
  {
    policy: 'serviceAccount',
    spec: { volumes: [{ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }] },
  },
  { policy: 'podSpecPatch', spec: { templates: [{ podSpecPatch: 'hostNetwork: true' }] } },
  { policy: 'podSpecPatch', spec: { artifactGC: { podSpecPatch: '{}' } } },
  {
    policy: 'hostAccess',
    spec: { volumes: [{ name: 'v', hostPath: { path: '/' } }] },
    path: 'spec.volumes[0].hostPath',
  },
  { policy: 'hostAccess', spec: { hostNetwork: true } },
  { policy: 'privileged', spec: { templates: [{ container: { securityContext: { privileged: true } } }] } },
  {
    policy: 'privileged',
    spec: { templates: [{ sidecars: [{ securityContext: { capabilities: { add: ['ALL'] } } }] }] },
  },
  { policy: 'placement', spec: { templates: [{ nodeSelector: { role: 'control-plane' } }] } },
  { policy: 'volumes', spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'of-somebody' } }] } },
  {
    policy: 'templateRef',
    spec: { templates: [{ steps: [[{ name: 'a', templateRef: { name: 't', template: 'x' } }]] }] },
  },
  { policy: 'templateRef', spec: { workflowTemplateRef: { name: 't' } } },
  {
    policy: 'resource',
    spec: { templates: [{ resource: { action: 'create', manifest: 'kind: ClusterRoleBinding' } }] },
  },
  { policy: 'http', spec: { templates: [{ http: { url: 'http://169.254.169.254/' } }] } },
  { policy: 'metadata', spec: { podMetadata: { annotations: { 'sluice.dev/outputs': '{}' } } } },
  { policy: 'metadata', spec: { templates: [{ metadata: { labels: { 'workflows.argoproj.io/workflow': 'x' } } }] } },
  { policy: 'podSpecPatch', spec: { templates: [{ dag: { tasks: [{ inline: { podSpecPatch: '{}' } }] } }] } },
];
test.for(cases)('policy $policy forbids $spec', ({ policy, spec, path }) => {
  const problems = checkWorkflowPolicy(spec, []);
  expect(problems.map((problem) => problem.policy)).toContain(policy);
  expect(problems.map((problem) => problem.path)).toContain(path ?? problems[0]?.path);
  expect(checkWorkflowPolicy(spec, workflowPolicies)).toEqual([]);
});

test('an ordinary Workflow breaks no policy', () => {
  const spec = {
    entrypoint: 'main',
    automountServiceAccountToken: false,
    arguments: { parameters: [{ name: 'resource', value: 'cpu' }] },
    templates: [
      {
        name: 'main',
        inputs: { artifacts: [{ name: 'page', http: null }] },
        container: {
          image: 'node:24',
          resources: { limits: { cpu: '1' } },
          securityContext: { privileged: false, capabilities: { drop: ['ALL'] } },
        },
      },
    ],
  };
  expect(checkWorkflowPolicy(spec, [])).toEqual([]);
});

test('any value is judged without a throw', () => {
  expect(() =>
    fc.assert(fc.property(fc.jsonValue(), (value) => checkWorkflowPolicy(value, []).length <= 20)),
  ).not.toThrow();
});
