import type { KubeObject } from '@sluice/model';
import { isRecord, type JsonRecord, listAt, recordAt, textAt, valueAt, withField } from './json.ts';

/** autoscaling/v1 knows one metric, the use of CPU; in autoscaling/v2 it is one of a list. */
export function convertAutoscaler(object: KubeObject, apiVersion: string): KubeObject {
  const change = apiVersion === 'autoscaling/v1' ? toSingle : toList;
  const spec = change(recordAt(object, 'spec'), 'targetCPUUtilizationPercentage', 'metrics', 'target');
  const converted = withField({ ...object, apiVersion }, 'spec', spec);
  if (!isRecord(object.status)) return converted;
  const status = change(recordAt(object, 'status'), 'currentCPUUtilizationPercentage', 'currentMetrics', 'current');
  return withField(converted, 'status', status);
}

function toList(part: JsonRecord, single: string, list: string, value: string): JsonRecord {
  const { [single]: percentage, ...rest } = part;
  if (typeof percentage !== 'number') return rest;
  const type = value === 'target' ? { type: 'Utilization' } : {};
  const metric = { type: 'Resource', resource: { name: 'cpu', [value]: { ...type, averageUtilization: percentage } } };
  return { ...rest, [list]: [...listAt(part, list), metric] };
}

function toSingle(part: JsonRecord, single: string, list: string, value: string): JsonRecord {
  const { [list]: _metrics, ...rest } = part;
  const cpu = listAt(part, list).find((metric) => textAt(metric, 'resource', 'name') === 'cpu');
  const percentage = valueAt(cpu, 'resource', value, 'averageUtilization');
  return typeof percentage === 'number' ? { ...rest, [single]: percentage } : rest;
}
