import type { Template } from '../workflow-types.ts';
import { didYouMean } from './suggestion.ts';
import type { Add } from './validate-fields.ts';

type Fields = Readonly<Record<string, unknown>>;

const resourceActions = ['get', 'create', 'apply', 'delete', 'replace', 'patch'];

/** Parts of a template that stand for themselves: metrics, resources, container sets, mounts, resource claims. */
export function validateParts(template: Template, path: string, add: Add): void {
  validateMetrics(template['metrics'], path, add);
  if (template.resource) validateResource(template.resource, path, add);
  if (template.containerSet) validateContainerSet(template, template.containerSet, path, add);
  validateMounts(template, path, add);
  const kind = template.http ? 'HTTP' : template.plugin ? 'plugin' : template.suspend ? 'suspend' : undefined;
  if (kind === undefined) return;
  for (const field of ['podResources', 'resourceClaims'])
    if (template[field] !== undefined)
      add('FieldUnsupported', `${path}.${field}`, `is not supported for ${kind} templates`, `remove ${field}`);
}

/** Resources that a pod as a whole may ask for. */
export function validatePodResources(value: unknown, path: string, add: Add): void {
  for (const part of ['requests', 'limits']) {
    for (const name of Object.keys(fieldsOf(fieldsOf(value)[part]))) {
      if (name !== 'cpu' && name !== 'memory' && !name.startsWith('hugepages-'))
        add(
          'PodResourceUnknown',
          path,
          `"${name}" is not a valid pod-level resource`,
          'use cpu, memory or hugepages-*',
        );
    }
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

/** Metrics of a template or of the workflow. */
export function validateMetrics(metrics: unknown, path: string, add: Add): void {
  for (const metric of listOf(fieldsOf(metrics)['prometheus'])) {
    const name = typeof metric['name'] === 'string' ? metric['name'] : '';
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name))
      add(
        'MetricNameInvalid',
        path,
        `metric name '${name}' is invalid. Metric names must contain alphanumeric characters or '_'`,
      );
    if (!metric['help'])
      add('MetricHelpMissing', path, `metric '${name}' must contain a help string under 'help: ' field`);
    for (const kind of ['gauge', 'counter', 'histogram']) {
      const body = metric[kind];
      if (body === undefined) continue;
      const value = fieldsOf(body)['value'];
      if (value === undefined || value === '')
        add('MetricValueMissing', path, `metric '${name}' error: missing ${kind}.value`);
    }
  }
}

function validateResource(resource: Fields, path: string, add: Add): void {
  const action = resource['action'];
  if (typeof action !== 'string' || (!resourceActions.includes(action) && !action.includes('{{'))) {
    const fix = typeof action === 'string' ? didYouMean(action, resourceActions) : undefined;
    add('ResourceActionUnknown', `${path}.resource.action`, `must be one of: ${resourceActions.join(', ')}`, fix);
  }
  const manifest = resource['manifest'];
  if (typeof manifest === 'string' && !mayBeYaml(manifest))
    add('ResourceManifestInvalid', `${path}.resource.manifest`, 'must be a valid yaml');
}

/**
 * False when a text is certainly no YAML object: a line of the outermost level that is neither a key nor an item. Texts
 * with tags are judged when the tags are replaced.
 */
function mayBeYaml(text: string): boolean {
  if (text.includes('{{') || /^\s*[{["']/.test(text)) return true;
  const lines = text.split('\n').filter((line) => /^[^\s#]/.test(line) && !/^(?:---|\.\.\.|%)/.test(line));
  return lines.every(
    (line) => /^(?:- |-$|[\]}])/.test(line) || /^(?:"[^"]*"|'[^']*'|[^:]+(?::[^\s:][^:]*)*)\s*:(?:\s|$)/.test(line),
  );
}

function validateContainerSet(template: Template, set: Fields, path: string, add: Add): void {
  const containers = listOf(set['containers']);
  const names = new Set(containers.map(({ name }) => String(name)));
  if (containers.length === 0)
    add('ContainersMissing', `${path}.containerSet.containers`, 'must have at least one container');
  const moves = (template.inputs?.artifacts?.length ?? 0) + (template.outputs?.artifacts?.length ?? 0);
  const reads = (template.outputs?.parameters ?? []).some(({ valueFrom }) => valueFrom?.path !== undefined);
  if ((moves > 0 || reads) && !names.has('main'))
    add(
      'ContainerMainMissing',
      path,
      'containerSet.containers must have a container named "main" for input or output',
      'name one of the containers main',
    );
  for (const { name, dependencies } of containers) {
    for (const wanted of Array.isArray(dependencies) ? dependencies.map(String) : []) {
      if (!names.has(wanted))
        add(
          'DependencyNotFound',
          `${path}.containerSet.containers.${String(name)}`,
          `dependency '${wanted}' not defined`,
          didYouMean(wanted, names),
        );
    }
  }
}

/** A volume and an input artifact cannot share one path. */
function validateMounts(template: Template, path: string, add: Add): void {
  const container = template.container ?? template.script;
  const mounted = new Map<string, string>();
  for (const mount of listOf(container?.['volumeMounts'])) {
    const at = String(mount['mountPath']);
    if (mounted.has(at))
      add(
        'MountTwice',
        `${path}.container.volumeMounts`,
        `volumeMount '${at}' already mounted in container.volumeMounts.${mounted.get(at)}`,
      );
    mounted.set(at, String(mount['name']));
  }
  for (const { name, path: at } of template.inputs?.artifacts ?? []) {
    if (at !== undefined && mounted.has(at))
      add(
        'MountTwice',
        `${path}.inputs.artifacts.${name}`,
        `path '${at}' already mounted in container.volumeMounts.${mounted.get(at)}`,
      );
  }
}
