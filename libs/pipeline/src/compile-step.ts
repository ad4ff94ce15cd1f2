import type { JsonObject } from '@sluice/model';
import { chartUrl, digestParameterOf, imageUrl } from './artifact-name.ts';
import { literalEnv, literalScript } from './literal-text.ts';
import type { Pipeline, Step } from './pipeline.ts';

/** What steps learn about their run. */
export type StepContext = {
  readonly repository: string;
  /** `host[:port]` of the registry that packages go to. */
  readonly registry: string;
  readonly cloneUrl: string;
  readonly sha: string;
  /** Full ref, such as refs/heads/main. */
  readonly ref: string;
  readonly event: 'push' | 'pull_request' | 'merge_group' | 'manual';
  readonly pullRequest?: number;
  /** Names of the Secrets that this run may read: steps get the values of these, and go without the others. */
  readonly secrets?: readonly string[];
  /** Default: {@link defaultToolsImage}. */
  readonly toolsImage?: string;
};

/** The image of steps that name none: sh, git, Node and the sluice command. */
export const defaultToolsImage = 'sluice.dev/tools:0.1.0';

/** The claim that all steps of a run share. */
export const workspaceVolume: JsonObject = {
  metadata: { name: 'workspace' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};

const workspace = '/workspace';
const sourceDir = `${workspace}/src`;
const digestFile = '/tmp/sluice-digest';
const volumeMounts = [{ name: 'workspace', mountPath: workspace }];

/** The template of the task that every other task comes after: the commit's files in the workspace. */
export function compileCheckout(pipeline: Pipeline, context: StepContext): JsonObject {
  const template = scriptTemplate({
    name: 'checkout',
    pipeline,
    context,
    source: checkoutScript,
    workingDir: workspace,
  });
  // Fetching twice does no harm: a checkout that was lost with its node, or that met a forge which was away, is tried again.
  return {
    ...template,
    retryStrategy: { limit: '2', retryPolicy: 'Always', backoff: { duration: '1s', factor: '2' } },
  };
}

// A second attempt in the same workspace finds what the first left; init, fetch and checkout do not mind.
const checkoutScript = `set -eu
export GIT_TERMINAL_PROMPT=0
git init --quiet src
cd src
attempt=1
until git -c protocol.allow=never -c protocol.http.allow=always -c protocol.https.allow=always \\
  fetch --quiet --depth 1 --no-tags --no-recurse-submodules --end-of-options "$SLUICE_CLONE_URL" "$SLUICE_SHA"; do
  if [ "$attempt" -ge 3 ]; then echo "cannot fetch $SLUICE_SHA after $attempt attempts" >&2; exit 1; fi
  sleep "$attempt"
  attempt=$((attempt + 1))
done
git -c advice.detachedHead=false checkout --quiet --force --detach FETCH_HEAD
test "$(git rev-parse HEAD)" = "$SLUICE_SHA"
echo "checked out $SLUICE_SHA"
`;

/** The template of one step. */
export function compileStep(pipeline: Pipeline, step: Step, context: StepContext): JsonObject {
  switch (step.kind) {
    case 'run':
      return scriptTemplate({ name: step.name, step, pipeline, context, source: step.run, workingDir: sourceDir });
    case 'image':
    case 'chart':
      return packageTemplate(pipeline, step, context);
    default:
      return unreachable(step);
  }
}

type ScriptParts = {
  readonly name: string;
  readonly step?: Step;
  readonly pipeline: Pipeline;
  readonly context: StepContext;
  readonly source: string;
  readonly workingDir: string;
};

function scriptTemplate({ name, step, pipeline, context, source, workingDir }: ScriptParts): JsonObject {
  const { env, prelude } = environmentOf(name, step, pipeline, context);
  return {
    name,
    ...limitsOf(step),
    script: {
      image: step?.image ?? toolsImageOf(context),
      command: ['sh', '-e'],
      workingDir,
      env,
      volumeMounts,
      source: prelude + literalScript(source),
    },
  };
}

function packageTemplate(pipeline: Pipeline, step: Exclude<Step, { kind: 'run' }>, context: StepContext): JsonObject {
  const { env } = environmentOf(step.name, step, pipeline, context);
  return {
    name: step.name,
    ...limitsOf(step),
    outputs: {
      parameters: [{ name: 'digest', valueFrom: { path: digestFile }, globalName: digestParameterOf(step.name) }],
    },
    container: {
      image: step.image ?? toolsImageOf(context),
      command: ['sluice', 'package', step.kind],
      args: packageArgs(step, context),
      workingDir: sourceDir,
      env,
      volumeMounts,
    },
  };
}

function packageArgs(step: Exclude<Step, { kind: 'run' }>, context: StepContext): string[] {
  const common = ['--revision', context.sha, '--digest-file', digestFile];
  if (step.kind === 'chart') return ['--to', chartUrl(step.package.name, context), ...common, '--', step.package.path];
  const { name, workdir, command = [], include } = step.package;
  const words = command.flatMap((word) => ['--command', word]);
  return ['--to', imageUrl(name, context), ...common, '--workdir', workdir, ...words, '--', ...include];
}

function toolsImageOf({ toolsImage }: StepContext): string {
  return toolsImage ?? defaultToolsImage;
}

/** How long the pod of a step may wait to start: for a node, a volume, an image. Then the step fails and says what it waited for. */
const pendingTimeout = '10m';

function limitsOf(step: Step | undefined): JsonObject {
  return {
    pendingTimeout,
    ...(step?.timeoutSeconds === undefined ? {} : { activeDeadlineSeconds: step.timeoutSeconds }),
    ...(step && step.retry > 0 ? { retryStrategy: { limit: String(step.retry), retryPolicy: 'Always' } } : {}),
  };
}

/** The variables that Sluice sets in every step. */
export function ownVariables(step: string, pipeline: string, context: StepContext): Readonly<Record<string, string>> {
  return {
    CI: 'true',
    SLUICE_REPOSITORY: context.repository,
    SLUICE_SHA: context.sha,
    SLUICE_REF: context.ref,
    SLUICE_EVENT: context.event,
    SLUICE_PULL_REQUEST: context.pullRequest === undefined ? '' : String(context.pullRequest),
    SLUICE_PIPELINE: pipeline,
    SLUICE_STEP: step,
    SLUICE_REGISTRY: context.registry,
    SLUICE_CLONE_URL: context.cloneUrl,
  };
}

/** The variables of a step, ours last so that they win, and the shell that turns escaped ones back. */
function environmentOf(
  name: string,
  step: Step | undefined,
  pipeline: Pipeline,
  context: StepContext,
): { readonly env: JsonObject[]; readonly prelude: string } {
  const own = ownVariables(name, pipeline.name, context);
  const asked = step ? { ...pipeline.env, ...step.env } : {};
  const all = Object.entries({ ...asked, ...own }).map(([key, text]) => ({ key, ...literalEnv(key, text) }));
  const granted = Object.entries(step?.secrets ?? {}).filter(([, { name: secret }]) =>
    context.secrets?.includes(secret),
  );
  const secrets = granted.map(([key, secretKeyRef]) => ({
    name: key,
    valueFrom: { secretKeyRef: { ...secretKeyRef } },
  }));
  return {
    // Ours come last, so that they win.
    env: [...secrets, ...all.map(({ key, value }) => ({ name: key, value }))],
    prelude: all.map(({ prelude }) => prelude).join(''),
  };
}

function unreachable(step: never): never {
  throw new Error(`unknown kind of step ${JSON.stringify(step)}`);
}
