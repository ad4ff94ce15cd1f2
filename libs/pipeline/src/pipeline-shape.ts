import {
  absolutePath,
  anyKey,
  envName,
  globRule,
  imageName,
  imageReference,
  nameRule,
  plainText,
  secretKey,
  workspacePath,
} from './text-rule.ts';
import type { Shape } from './shape.ts';

/** Names of templates and tasks that every compiled Workflow has. */
export const reservedStepNames = ['checkout', 'pipeline'] as const;

const later = 'is not supported by this version of Sluice';
const globs: Shape = { type: 'list', of: { type: 'text', rule: globRule, maxLength: 512 }, min: 1, max: 100 };
const env: Shape = {
  type: 'dictionary',
  key: envName,
  of: { type: 'scalar', rule: plainText, maxLength: 32_768 },
  max: 200,
};
const secrets: Shape = {
  type: 'dictionary',
  key: envName,
  of: { type: 'text', rule: secretKey, maxLength: 512 },
  max: 50,
};
const stepName: Shape = { type: 'text', rule: nameRule('the name of a step', 40), maxLength: 253 };
const push: Shape = {
  type: 'map',
  fields: { branches: { shape: globs }, tags: { shape: globs }, paths: { shape: globs } },
  notYet: { if: later },
  mayBeEmpty: true,
};
const pullRequest: Shape = {
  type: 'map',
  fields: { branches: { shape: globs }, paths: { shape: globs } },
  notYet: { types: later, if: later },
  mayBeEmpty: true,
};

const image: Shape = {
  type: 'map',
  fields: {
    name: { shape: { type: 'text', rule: imageName, maxLength: 128 }, required: true },
    include: {
      shape: { type: 'list', of: { type: 'text', rule: workspacePath, maxLength: 4_096 }, min: 1, max: 1_000 },
      required: true,
    },
    workdir: { shape: { type: 'text', rule: absolutePath, maxLength: 4_096 } },
    command: { shape: { type: 'list', of: { type: 'text', rule: plainText, maxLength: 4_096 }, min: 1, max: 100 } },
  },
  notYet: { base: later, dockerfile: later, platforms: later, env: later },
};
const chart: Shape = {
  type: 'map',
  fields: {
    path: { shape: { type: 'text', rule: workspacePath, maxLength: 4_096 }, required: true },
    name: { shape: { type: 'text', rule: nameRule('the name of a chart', 63), maxLength: 253 } },
  },
};

const step: Shape = {
  type: 'map',
  fields: {
    name: {
      shape: { type: 'text', rule: nameRule('the name of a step', 40, reservedStepNames), maxLength: 253 },
      required: true,
    },
    image: { shape: { type: 'text', rule: imageReference, maxLength: 512 } },
    run: { shape: { type: 'text', maxLength: 65_536 } },
    package: {
      shape: {
        type: 'map',
        fields: { image: { shape: image }, chart: { shape: chart } },
        exactlyOne: ['image', 'chart'],
      },
    },
    needs: { shape: { type: 'list', of: stepName, max: 100 } },
    env: { shape: env },
    secrets: { shape: secrets },
    timeout: { shape: { type: 'duration', minSeconds: 1, maxSeconds: 7 * 86_400 } },
    retry: { shape: { type: 'integer', min: 0, max: 10 } },
  },
  exactlyOne: ['run', 'package'],
  notYet: {
    if: later,
    when: later,
    matrix: later,
    services: later,
    cache: later,
    artifacts: later,
    resources: later,
    uses: later,
    with: later,
  },
};

const deploy: Shape = {
  type: 'map',
  fields: {
    environment: {
      shape: { type: 'text', rule: nameRule('the name of an environment', 40), maxLength: 253 },
      required: true,
    },
    on: {
      shape: {
        type: 'map',
        fields: { push: { shape: push }, pullRequest: { shape: pullRequest } },
        mayBeEmpty: true,
      },
    },
    release: { shape: { type: 'text', rule: nameRule('the name of a Helm release', 53), maxLength: 253 } },
    chart: { shape: stepName, required: true },
    images: { shape: { type: 'list', of: stepName, max: 20 } },
    values: { shape: { type: 'dictionary', key: anyKey, of: { type: 'json' }, max: 1_000 } },
  },
  notYet: { approval: later, strategy: later },
};

/** The format of one `kind: Pipeline` document: names, types, limits. What goes across fields is in check-pipeline.ts. */
export const pipelineShape: Shape = {
  type: 'map',
  fields: {
    apiVersion: { shape: { type: 'text', maxLength: 100 }, required: true },
    kind: { shape: { type: 'text', maxLength: 100 }, required: true },
    metadata: {
      shape: {
        type: 'map',
        fields: {
          name: {
            shape: { type: 'text', rule: nameRule('the name of a pipeline', 40), maxLength: 253 },
            required: true,
          },
        },
      },
      required: true,
    },
    spec: {
      shape: {
        type: 'map',
        fields: {
          on: {
            shape: {
              type: 'map',
              fields: { push: { shape: push }, pullRequest: { shape: pullRequest } },
              notYet: { tag: later, comment: later, cron: later, schedule: later, manual: later, release: later },
            },
            required: true,
          },
          env: { shape: env },
          timeout: { shape: { type: 'duration', minSeconds: 1, maxSeconds: 7 * 86_400 } },
          steps: { shape: { type: 'list', of: step, min: 1, max: 200 }, required: true },
          deploy: { shape: { type: 'list', of: deploy, max: 20 } },
        },
        notYet: {
          concurrency: later,
          matrix: later,
          services: later,
          cache: later,
          secrets: 'belongs to the steps that need it',
          parameters: later,
        },
      },
      required: true,
    },
  },
};
