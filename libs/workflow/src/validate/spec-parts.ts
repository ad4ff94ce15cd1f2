import type { WorkflowSpec } from '../workflow-types.ts';
import { didYouMean } from './suggestion.ts';
import { validateMetrics, validatePodResources } from './template-parts.ts';
import type { Add } from './validate-fields.ts';

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);

const selectorOperators = ['In', 'NotIn', 'Exists', 'DoesNotExist'];
const podGcStrategies = ['OnPodCompletion', 'OnPodSuccess', 'OnWorkflowCompletion', 'OnWorkflowSuccess'];

/** Fields of the spec that name no template: pod garbage collection, executor plugins, resources, metrics. */
export function validateSpecParts(spec: WorkflowSpec, add: Add): void {
  const podGc = fieldsOf(spec['podGC']);
  const strategy = podGc['strategy'];
  if (typeof strategy === 'string' && strategy !== '' && !podGcStrategies.includes(strategy))
    add(
      'PodGcUnknown',
      'spec.podGC.strategy',
      `podGC.strategy unknown strategy '${strategy}'`,
      didYouMean(strategy, podGcStrategies),
    );
  for (const { operator } of listOf(fieldsOf(podGc['labelSelector'])['matchExpressions'])) {
    if (!selectorOperators.includes(String(operator)))
      add(
        'SelectorInvalid',
        'spec.podGC.labelSelector',
        `podGC.labelSelector invalid: "${String(operator)}" is not a valid label selector operator`,
        didYouMean(String(operator), selectorOperators),
      );
  }
  for (const plugin of listOf(spec['executorPlugins'])) validatePlugin(plugin, add);
  validatePodResources(spec['podResources'], 'spec.podResources', add);
  validateMetrics(spec['metrics'], 'spec', add);
}

function validatePlugin(plugin: Fields, add: Add): void {
  const path = 'spec.executorPlugins';
  if (!fieldsOf(plugin['metadata'])['name'])
    add('PluginNameMissing', path, 'executor plugin metadata name is mandatory');
  const container = fieldsOf(fieldsOf(fieldsOf(plugin['spec'])['sidecar'])['container']);
  const wanted: readonly (readonly [boolean, string])[] = [
    [listOf(container['ports']).length > 0, 'at least one port is mandatory'],
    [
      Object.keys(fieldsOf(fieldsOf(container['resources'])['requests'])).length > 0,
      'resources requests are mandatory',
    ],
    [Object.keys(fieldsOf(fieldsOf(container['resources'])['limits'])).length > 0, 'resources limits are mandatory'],
    [container['securityContext'] !== undefined, 'security context is mandatory'],
  ];
  for (const [holds, message] of wanted) if (!holds) add('PluginInvalid', path, message);
}
