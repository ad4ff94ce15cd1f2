import type { ContainerPlan, Json, JsonObject, OutputCapture, PodInputs, Problem, Result } from '@sluice/model';
import { keys } from '@sluice/model';
import { readContainerSet } from './container-set.ts';
import { mergeStrategic } from './strategic-merge.ts';
import { wrapCommand } from './output-wrapper.ts';
import type { BuildPodInput, PodManifest, PodTemplate } from './pod-template.ts';

/** Where a script lies in its pod: a file of a downward API volume that shows the pod's own annotation. */
export const scriptDirectory = '/argo/staging';
/** Which manual retry of the run a pod was made under. */
export const retryAnnotation = 'sluice.dev/retries';
const scriptAnnotation = 'sluice.dev/script';
/** Kubernetes allows 256 KiB of annotations; some room is left for the others. */
const maxScript = 240 * 1_024;
/** The most that all our annotations together may take. */
const maxAnnotations = 250 * 1_024;

/** Fields that a template and a workflow spec share with a pod's spec; the template's wins. */
const podFields = [
  'affinity',
  'automountServiceAccountToken',
  'dnsConfig',
  'dnsPolicy',
  'hostAliases',
  'hostNetwork',
  'imagePullSecrets',
  'nodeSelector',
  'priorityClassName',
  'resourceClaims',
  'schedulerName',
  'securityContext',
  'serviceAccountName',
  'tolerations',
] as const;

/** The manifest of a node's pod. Nothing is added to the user's container but what its outputs need. */
export function buildPod(input: BuildPodInput): Result<PodManifest> {
  const { template } = input;
  const problems: Problem[] = [];
  const refuse = (path: string, message: string, fix?: string): void => {
    problems.push({ code: 'PodUnsupported', severity: 'error', path, message, ...(fix ? { fix } : {}) });
  };
  const script =
    template.script && typeof template.script['source'] === 'string' ? template.script['source'] : undefined;
  if (script !== undefined && script.length > maxScript)
    refuse('script.source', `the script has ${script.length} characters; ${maxScript} are the most`);
  const capture = captureOf(input);
  const inputs = inputsOf(input, refuse);
  const { containers, plan } = containersOf(input, capture, refuse);
  const spec = applyPatches(input, podSpec(input, containers, script !== undefined), refuse);
  const { task } = input;
  const annotations = {
    ...(plan && input.outputs === 'native' ? { [keys.containers]: JSON.stringify(plan) } : {}),
    ...(task ? { [keys.task]: JSON.stringify(task) } : {}),
    ...(capture && input.outputs === 'native' ? { [keys.outputs]: JSON.stringify(capture) } : {}),
    ...(inputs ? { [keys.inputs]: JSON.stringify(inputs) } : {}),
    ...(script === undefined ? {} : { [scriptAnnotation]: script }),
  };
  const size = Object.values(annotations).reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0);
  if (size > maxAnnotations)
    refuse(
      `templates.${template.name ?? ''}`,
      `script and raw artifacts take ${size} bytes; ${maxAnnotations} are the most`,
      'keep large content in an artifact repository',
    );
  if (problems.length > 0) return { ok: false, problems };
  const { workflow, node } = input;
  return {
    ok: true,
    value: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: node.podName,
        namespace: workflow.namespace,
        labels: labelsOf(input),
        annotations: {
          ...metadataOf(input, 'annotations'),
          'kubectl.kubernetes.io/default-container':
            plan && !plan.main.includes('main') ? (plan.main[0] ?? 'main') : 'main',
          'workflows.argoproj.io/node-name': node.name,
          'workflows.argoproj.io/node-id': node.id,
          ...annotations,
          ...(input.retryNumber ? { [retryAnnotation]: String(input.retryNumber) } : {}),
        },
        ownerReferences: [
          {
            apiVersion: 'argoproj.io/v1alpha1',
            kind: 'Workflow',
            name: workflow.name,
            uid: workflow.uid,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec,
    },
  };
}

function metadataOf(
  { spec, template, podMetadata }: BuildPodInput,
  field: 'labels' | 'annotations',
): Record<string, string> {
  const sources = [podMetadata, spec['podMetadata']].map((source) =>
    isObject(source) && isObject(source[field]) ? source[field] : {},
  );
  const common = Object.assign({}, ...sources) as JsonObject;
  const texts = Object.entries(common).map(
    ([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)] as const,
  );
  return { ...Object.fromEntries(texts), ...template.metadata?.[field] };
}

function labelsOf(input: BuildPodInput): Record<string, string> {
  return {
    ...metadataOf(input, 'labels'),
    'workflows.argoproj.io/workflow': input.workflow.name,
    'workflows.argoproj.io/completed': 'false',
  };
}

/** What the node is to capture; undefined when nobody reads anything, and the pod stays bare. */
function captureOf({ template, captureResult, artifacts: moved }: BuildPodInput): OutputCapture | undefined {
  const parameters = (template.outputs?.parameters ?? []).flatMap(({ name, valueFrom }) => {
    if (valueFrom?.path === undefined) return [];
    const fallback = valueFrom.default;
    return [
      {
        name,
        path: valueFrom.path,
        ...(fallback === undefined
          ? {}
          : { default: typeof fallback === 'string' ? fallback : JSON.stringify(fallback) }),
      },
    ];
  });
  const { outputs = [], logs = [] } = moved ?? {};
  if (!captureResult && parameters.length === 0 && outputs.length === 0 && logs.length === 0) return undefined;
  return {
    container: 'main',
    ...(captureResult ? { result: true } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(outputs.length > 0 ? { artifacts: outputs } : {}),
    ...(logs.length > 0 ? { logs } : {}),
  };
}

/** What the node is to bring. Only nodes that know of artifacts can. */
function inputsOf({ artifacts, outputs, template }: BuildPodInput, refuse: Refuse): PodInputs | undefined {
  if (!artifacts) return undefined;
  const moved = artifacts.inputs.length + artifacts.outputs.length + artifacts.logs.length;
  if (moved > 0 && outputs !== 'native')
    refuse(`templates.${template.name ?? ''}`, 'the nodes of this cluster move no artifacts');
  return artifacts.inputs.length > 0 ? { container: 'main', artifacts: artifacts.inputs } : undefined;
}

const taskImage = 'sluice.dev/executor';

/** The containers that do the work, and their order where there is more than one container to be thought of. */
function containersOf(
  input: BuildPodInput,
  capture: OutputCapture | undefined,
  refuse: Refuse,
): { readonly containers: readonly JsonObject[]; readonly plan?: ContainerPlan } {
  const { template, task, outputs } = input;
  const place = `templates.${template.name ?? ''}`;
  if (task) {
    if (outputs !== 'native') refuse(place, `the nodes of this cluster cannot run ${task.kind} templates`);
    return { containers: [{ name: 'main', image: taskImage, command: ['sluice-executor', task.kind] }] };
  }
  if (template.containerSet) {
    const set = readContainerSet(template.containerSet);
    if (set.plan.order && outputs !== 'native')
      refuse(place, 'the nodes of this cluster cannot start the containers of a container set in order');
    return set;
  }
  const source = template.container ?? template.script;
  if (!source) refuse(place, 'this kind of template does not run as a pod');
  const main = mainContainer(input, source ?? {}, capture, refuse);
  return { containers: [main], ...(Array.isArray(template['sidecars']) ? { plan: { main: ['main'] } } : {}) };
}

type Refuse = (path: string, message: string, fix?: string) => void;

function mainContainer(
  input: BuildPodInput,
  source: JsonObject,
  capture: OutputCapture | undefined,
  refuse: Refuse,
): JsonObject {
  const { source: script, name: _name, command, args, volumeMounts, ...rest } = source;
  const given = textList(args);
  const argv = script === undefined ? given : [...given, `${scriptDirectory}/script`];
  const own = textList(command);
  const mounts = [
    ...(Array.isArray(volumeMounts) ? (volumeMounts as readonly Json[]) : []),
    ...(script === undefined ? [] : [{ name: 'sluice-script', mountPath: scriptDirectory, readOnly: true }]),
  ];
  const base = { name: 'main', ...rest, ...(mounts.length > 0 ? { volumeMounts: mounts } : {}) };
  if (!capture || input.outputs === 'native') {
    return { ...base, ...(own.length > 0 ? { command: own } : {}), ...(argv.length > 0 ? { args: argv } : {}) };
  }
  if (own.length === 0) {
    refuse(
      'container.command',
      'the outputs of this container are read, so its command must be given: this cluster cannot look it up in the image',
      'set command',
    );
    return base;
  }
  return { ...base, ...wrapCommand(own, argv, capture) };
}

function textList(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function podSpec(input: BuildPodInput, mains: readonly JsonObject[], hasScript: boolean): JsonObject {
  const main = mains.find((container) => container['name'] === 'main') ?? mains[0] ?? {};
  const { template, spec, scheduling = {} } = input;
  const fields: Record<string, Json> = {};
  for (const field of podFields) {
    const value = template[field] ?? scheduling[field] ?? spec[field];
    if (value !== undefined && value !== null) fields[field] = value as Json;
  }
  // The priority of a workflow says who runs first, not how its pods are scheduled.
  if (template['priority'] !== undefined && template['priority'] !== null)
    fields['priority'] = template['priority'] as Json;
  const extra = (field: string): readonly JsonObject[] =>
    Array.isArray(template[field]) ? (template[field] as JsonObject[]) : [];
  const init = extra('initContainers').map((container) => mirrored(container, main));
  const sidecars = extra('sidecars').map((container) => mirrored(container, main));
  const volumes = volumesOf(input, hasScript);
  const deadline = deadlineOf(input);
  return {
    restartPolicy: 'Never',
    ...fields,
    ...avoiding(fields, input.avoidHosts),
    ...(init.length > 0 ? { initContainers: init } : {}),
    containers: [...mains, ...sidecars],
    ...(volumes.length > 0 ? { volumes } : {}),
    ...(deadline === undefined ? {} : { activeDeadlineSeconds: deadline }),
  };
}

/** `mirrorVolumeMounts`: the container sees what the main one sees. */
function mirrored({ mirrorVolumeMounts, ...container }: JsonObject, main: JsonObject): JsonObject {
  if (mirrorVolumeMounts !== true) return container;
  const own: readonly Json[] = Array.isArray(container['volumeMounts']) ? container['volumeMounts'] : [];
  const shared: readonly Json[] = Array.isArray(main['volumeMounts']) ? main['volumeMounts'] : [];
  return { ...container, volumeMounts: [...own, ...shared] };
}

function volumesOf({ template, spec, claims = {} }: BuildPodInput, hasScript: boolean): JsonObject[] {
  const listed = [template['volumes'], spec['volumes']].flatMap((list) =>
    Array.isArray(list) ? (list as JsonObject[]) : [],
  );
  const byName = new Map<Json | undefined, JsonObject>();
  for (const volume of listed) if (!byName.has(volume['name'])) byName.set(volume['name'], volume);
  for (const [name, claimName] of Object.entries(claims))
    byName.set(name, { name, persistentVolumeClaim: { claimName } });
  const script: JsonObject = {
    name: 'sluice-script',
    downwardAPI: {
      defaultMode: 0o755,
      items: [{ path: 'script', fieldRef: { fieldPath: `metadata.annotations['${scriptAnnotation}']` } }],
    },
  };
  return [...usedVolumes(template, [...byName.values()]), ...(hasScript ? [script] : [])];
}

/** Only volumes that some container mounts: a pod must not wait for a claim that it does not use. */
function usedVolumes(template: PodTemplate, volumes: readonly JsonObject[]): readonly JsonObject[] {
  const containers = [
    template.container,
    template.script,
    ...(template.containerSet ? readContainerSet(template.containerSet).containers : []),
    ...['initContainers', 'sidecars'].flatMap((field) =>
      Array.isArray(template[field]) ? (template[field] as JsonObject[]) : [],
    ),
  ];
  const mounts = containers.flatMap((container) =>
    [container?.['volumeMounts'], container?.['volumeDevices']].flatMap((list) =>
      Array.isArray(list) ? (list as readonly Json[]) : [],
    ),
  );
  const used = new Set(mounts.map((mount) => (isObject(mount) ? mount['name'] : undefined)));
  return volumes.filter((volume) => used.has(volume['name']));
}

function deadlineOf({ template, deadlineAt, now }: BuildPodInput): number | undefined {
  const own = template.activeDeadlineSeconds;
  const ends = [
    ...(own === undefined || own === null || own === '' ? [] : [Number(own)]),
    ...(deadlineAt === undefined ? [] : [Math.max(1, Math.ceil((deadlineAt - now) / 1_000))]),
  ].filter(Number.isFinite);
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/** Node affinity that keeps a retry away from hosts where it failed. */
function avoiding(fields: Readonly<Record<string, Json>>, hosts: readonly string[] | undefined): JsonObject {
  if (!hosts || hosts.length === 0) return {};
  const expression = { key: 'kubernetes.io/hostname', operator: 'NotIn', values: hosts };
  const affinity = isObject(fields['affinity']) ? fields['affinity'] : {};
  const node = isObject(affinity['nodeAffinity']) ? affinity['nodeAffinity'] : {};
  const required = isObject(node['requiredDuringSchedulingIgnoredDuringExecution'])
    ? node['requiredDuringSchedulingIgnoredDuringExecution']
    : {};
  const given: readonly unknown[] = Array.isArray(required['nodeSelectorTerms']) ? required['nodeSelectorTerms'] : [];
  const terms = given.length > 0 ? given.filter(isObject) : [{} as JsonObject];
  const narrowed = terms.map((term) => {
    const known: readonly Json[] = Array.isArray(term['matchExpressions']) ? term['matchExpressions'] : [];
    return { ...term, matchExpressions: [...known, expression] };
  });
  return {
    affinity: {
      ...affinity,
      nodeAffinity: { ...node, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: narrowed } },
    },
  };
}

/** The spec with the user's patches merged in. */
function applyPatches(
  { podSpecPatches = [], parseYaml = JSON.parse }: BuildPodInput,
  spec: JsonObject,
  refuse: Refuse,
): JsonObject {
  let patched = spec;
  for (const text of podSpecPatches) {
    try {
      const patch = parseYaml(text);
      if (isObject(patch)) patched = mergeStrategic(patched, patch);
      else refuse('podSpecPatch', 'Error applying PodSpecPatch: it is not an object');
    } catch (error) {
      refuse('podSpecPatch', `Error applying PodSpecPatch: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return patched;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
