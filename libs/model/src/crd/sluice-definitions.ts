import type { KubeObject } from '../kube-object.ts';
import { resources } from '../resource.ts';
import { ageColumn, buildDefinition, type Column } from './definition.ts';
import {
  anything,
  conditions,
  duration,
  flag,
  list,
  localReference,
  namespaceName,
  objectName,
  object,
  oneOf,
  text,
  textMap,
  timestamp,
  whole,
} from './schema.ts';

const observedGeneration = whole('Generation of the spec that the status is about.');
const conditionMap = conditions({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });
const ready: Column = {
  name: 'Ready',
  type: 'string',
  jsonPath: '.status.conditions[?(@.type=="Ready")].status',
};
const url = { pattern: '^https?://', maxLength: 2_048 };

const repositorySpec = object(
  'What the repository is.',
  {
    forge: object(
      'Where pull requests, checks and deployments of the repository live.',
      {
        type: oneOf('Kind of forge. gitea is Forgejo too.', ['local', 'github', 'gitlab', 'gitea', 'bitbucket']),
        apiUrl: text('Base URL of the API of the forge.', url),
        repository: text('owner/name, group/.../name at GitLab, the bare name at the local forge.', {
          pattern: '^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,20}$',
          maxLength: 256,
        }),
        secretRef: localReference('Secret with the key token.'),
      },
      ['type', 'apiUrl', 'repository'],
    ),
    url: text('Clone URL. Pods fetch from it too.', url),
    defaultBranch: text('Branch that new work starts from.', { minLength: 1, maxLength: 255 }),
    webhook: object(
      'How deliveries reach this repository.',
      {
        route: text('Last part of /hooks/ROUTE: unguessable, picks this repository.', {
          pattern: '^[A-Za-z0-9_-]+$',
          minLength: 8,
          maxLength: 128,
        }),
        secretRef: localReference('Secret with the key secret, and previous while it is being rotated.'),
      },
      ['route', 'secretRef'],
    ),
    suspend: flag('Take no deliveries and start no runs.'),
    secrets: list(
      'Secrets that trusted runs may read. What is not here no pipeline can ask for.',
      object(
        'One Secret.',
        {
          name: text('Name of the Secret.', { minLength: 1, maxLength: 253 }),
          refs: list('Globs of full git refs; only runs of these get it.', text('One glob.', { maxLength: 512 }), {
            maxItems: 100,
          }),
        },
        ['name'],
      ),
      { maxItems: 100 },
    ),
    trust: object('Whose code is run.', {
      forks: oneOf(
        'Pull requests of forks: approve runs a commit once somebody with write access has approved it, run runs all, never none.',
        ['approve', 'run', 'never'],
      ),
      allow: list(
        'Policies that are lifted for the Workflow files of trusted runs.',
        oneOf('One policy.', [
          'serviceAccount',
          'podSpecPatch',
          'hostAccess',
          'privileged',
          'placement',
          'volumes',
          'templateRef',
          'resource',
          'http',
          'plugin',
          'metadata',
        ]),
        { maxItems: 20 },
      ),
    }),
  },
  ['forge', 'url', 'defaultBranch', 'webhook'],
);

const freezeWindow = object(
  'One window. Without days: from one time to another. With days: on each of them from hh:mm to hh:mm, into the next day where to is earlier.',
  {
    from: text('RFC 3339, or hh:mm with days.', { maxLength: 40 }),
    to: text('RFC 3339, or hh:mm with days.', { maxLength: 40 }),
    days: list('Days of the week.', oneOf('One day.', ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']), {
      maxItems: 7,
    }),
    timeZone: text('Of days, such as Europe/Berlin. Default UTC.', { maxLength: 64 }),
    reason: text('Shown to those who wait.', { maxLength: 200 }),
  },
  ['from', 'to'],
);

const environmentSpec = object(
  'Where and how pipelines deploy.',
  {
    namespace: namespaceName('Namespace that releases are installed into; made when missing.'),
    mode: oneOf('direct: HelmReleases are written to the cluster. git: committed to a repository.', ['direct', 'git'], {
      default: 'direct',
    }),
    release: anything('Merged under the spec of every HelmRelease of this environment.'),
    after: list(
      'Environments that must serve the same chart, ready, before this one gets it.',
      objectName('One Environment.'),
      {
        maxItems: 10,
      },
    ),
    wait: duration('How long they must have served it; without them, how long ago the run must have ended.'),
    freeze: list('Windows in which no deployment begins.', freezeWindow, { maxItems: 50 }),
    approval: object('Present: somebody must approve each deployment. In mode git by merging the pull request.', {}),
    git: object(
      'Of mode git: where releases are committed to and applied from.',
      {
        repository: objectName('Repository in the namespace of the Environment.'),
        branch: text('Default: its default branch.', { minLength: 1, maxLength: 255 }),
        path: text('Folder in it. Default: the name of the Environment.', { minLength: 1, maxLength: 255 }),
      },
      ['repository'],
    ),
    preview: flag('Take deployments of pull requests, each in a namespace of its own that goes with it.'),
  },
  ['namespace'],
);

/** The kinds of sluice.dev. */
export function sluiceDefinitions(): readonly KubeObject[] {
  return [
    buildDefinition({
      resource: resources.repositories,
      categories: ['sluice'],
      description: 'A git repository whose pushes start pipelines.',
      spec: repositorySpec,
      status: object('What is known about the repository.', {
        observedGeneration,
        heads: textMap('Git ref to the full id of its commit that was handled last.'),
        approvals: list(
          'Commits of forks that may be tested.',
          object(
            'One approval.',
            {
              sha: text('Full commit id.', { maxLength: 64 }),
              pullRequest: whole('Number of the pull request.'),
              actorId: text('Numeric id at the forge of who approved.', { maxLength: 64 }),
              at: timestamp('When.'),
            },
            ['sha', 'pullRequest', 'actorId', 'at'],
          ),
          { maxItems: 100 },
        ),
        conditions: conditionMap,
      }),
      statusSubresource: true,
      required: ['spec'],
      columns: [
        { name: 'Forge', type: 'string', jsonPath: '.spec.forge.type' },
        { name: 'URL', type: 'string', jsonPath: '.spec.url' },
        { name: 'Branch', type: 'string', jsonPath: '.spec.defaultBranch' },
        ready,
        { name: 'Suspended', type: 'boolean', jsonPath: '.spec.suspend', priority: 1 },
        ageColumn,
      ],
    }),
    buildDefinition({
      resource: resources.environments,
      shortNames: ['env'],
      categories: ['sluice'],
      description: 'A place that pipelines deploy to.',
      spec: environmentSpec,
      status: object('What is known about the environment.', {
        observedGeneration,
        revision: text('Of mode git: the commit that the cluster follows.', { maxLength: 64 }),
        conditions: conditionMap,
      }),
      statusSubresource: true,
      required: ['spec'],
      columns: [
        { name: 'Namespace', type: 'string', jsonPath: '.spec.namespace' },
        { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
        ready,
        ageColumn,
      ],
    }),
  ];
}
