import { duration, flag, list, object, oneOf, type Schema, text, whole } from './schema.ts';

const timeout = duration('Time that the operation may take; that of the release by default.');
const disableHooks = flag('Run no hooks.');
const disableWait = flag('Do not wait for the objects to be ready.');
const disableWaitForJobs = flag('Do not wait for jobs to complete.');
const disableOpenAPIValidation = flag('Do not check manifests against the OpenAPI schema.');
const disableSchemaValidation = flag('Do not check values against the schema of the chart.');
const disableTakeOwnership = flag('Refuse to take over objects that exist.');
const cleanupOnFail = flag('Delete objects that a failed operation made.');
const crds = oneOf('What is done with the CRDs of the chart.', ['Skip', 'Create', 'CreateReplace']);
const serverSide = oneOf('Server-side apply; auto: as the release before.', ['enabled', 'disabled', 'auto']);

function remediation(more: Readonly<Record<string, Schema>> = {}): Schema {
  return object('What is done after a failure.', {
    retries: whole('Further attempts; 0 by default, negative for no end.'),
    ignoreTestFailures: flag('Failed tests are no failure.'),
    remediateLastFailure: flag('Also remediate the last failure.'),
    ...more,
  });
}

const strategy = object(
  'What follows a failure.',
  {
    name: oneOf('The way.', ['RemediateOnFailure', 'RetryOnFailure']),
    retryInterval: duration('Time between retries; 5m by default.'),
  },
  ['name'],
  {
    'x-kubernetes-validations': [
      {
        rule: "self.name == 'RetryOnFailure' || !has(self.retryInterval)",
        message: 'retryInterval goes with the strategy RetryOnFailure only',
      },
    ],
  },
);

/** `spec.install`. */
export const installAction = object('How the release is installed.', {
  timeout,
  strategy,
  remediation: remediation(),
  crds,
  createNamespace: flag('Make the target namespace.'),
  replace: flag('Use a name again whose release was uninstalled with its history kept.'),
  serverSideApply: flag('Server-side apply; on by default.'),
  disableHooks,
  disableWait,
  disableWaitForJobs,
  disableOpenAPIValidation,
  disableSchemaValidation,
  disableTakeOwnership,
});

/** `spec.upgrade`. */
export const upgradeAction = object('How the release is upgraded.', {
  timeout,
  strategy,
  remediation: remediation({ strategy: oneOf('Way back.', ['rollback', 'uninstall']) }),
  crds,
  chartNameChangeStrategy: oneOf('What a chart of another name means.', ['Reinstall', 'InPlaceUpdate']),
  cleanupOnFail,
  force: flag('Replace objects instead of patching them.'),
  preserveValues: flag('Keep the values of the release before.'),
  serverSideApply: serverSide,
  disableHooks,
  disableWait,
  disableWaitForJobs,
  disableOpenAPIValidation,
  disableSchemaValidation,
  disableTakeOwnership,
});

/** `spec.rollback`. */
export const rollbackAction = object('How the release is rolled back.', {
  timeout,
  cleanupOnFail,
  force: flag('Replace objects instead of patching them.'),
  recreate: flag('Has no effect any more.'),
  serverSideApply: serverSide,
  disableHooks,
  disableWait,
  disableWaitForJobs,
});

/** `spec.uninstall`. */
export const uninstallAction = object('How the release is uninstalled.', {
  timeout,
  deletionPropagation: oneOf('How dependants are deleted.', ['background', 'foreground', 'orphan'], {
    default: 'background',
  }),
  keepHistory: flag('Keep the release records.'),
  disableHooks,
  disableWait,
});

/** `spec.test`. */
export const testAction = object('Whether and how the tests of the chart are run.', {
  enable: flag('Run the tests after install and upgrade.'),
  timeout,
  ignoreFailures: flag('Failed tests are no failure.'),
  filters: list(
    'Tests that are run, or not.',
    object(
      'One filter.',
      {
        name: text('Name of the test.', { minLength: 1, maxLength: 253 }),
        exclude: flag('Leave the test out.'),
      },
      ['name'],
    ),
  ),
});

/** `spec.driftDetection`. */
export const driftDetection = object('What is done about changes made by others.', {
  mode: oneOf('enabled: mend; warn: tell; disabled: do not look.', ['enabled', 'warn', 'disabled']),
  ignore: list(
    'Changes that are let be.',
    object(
      'One rule.',
      {
        paths: list('JSON pointers.', { type: 'string' }),
        target: object('Objects that are meant; an absent field means any.', {
          group: text('Pattern of the API group.'),
          version: text('Pattern of the API version.'),
          kind: text('Pattern of the kind.'),
          name: text('Pattern of the name.'),
          namespace: text('Pattern of the namespace.'),
          labelSelector: text('Label selector.'),
          annotationSelector: text('Annotation selector.'),
        }),
      },
      ['paths'],
    ),
  ),
});

/** `status.history[].testHooks`. */
export const testHooks: Schema = {
  type: 'object',
  description: 'Results of the tests by name.',
  additionalProperties: object('One result.', {
    phase: text('How it went.'),
    lastStarted: text('When it began.', { format: 'date-time' }),
    lastCompleted: text('When it ended.', { format: 'date-time' }),
  }),
};

/** `status.inventory`. */
export const inventory = object(
  'Objects of the release.',
  {
    entries: list(
      'One entry an object.',
      object('One object.', { id: text('namespace_name_group_kind.'), v: text('API version.') }, ['id', 'v']),
    ),
  },
  ['entries'],
);
