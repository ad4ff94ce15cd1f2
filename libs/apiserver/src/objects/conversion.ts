import type { KubeObject } from '@sluice/model';
import { type KindInfo, groupVersionOf } from '../kinds/kind.ts';
import { isGroupEvent } from '../registry/kind-registry.ts';
import { convertAutoscaler } from './autoscaler-conversion.ts';
import type { Entry } from './entry.ts';
import { isRecord, recordAt, withField } from './json.ts';

/** The object in another served version of its kind. Versions of one kind differ in `apiVersion` only, except for events and autoscalers. */
export function convert(object: KubeObject, kind: KindInfo): KubeObject {
  const apiVersion = groupVersionOf(kind);
  if (object.apiVersion === apiVersion) return object;
  if (kind.conversion) return converted.get(object)?.get(apiVersion) ?? unconverted(object, apiVersion);
  if (isGroupEvent(kind)) return renameEvent(object, apiVersion, toGroupEvent);
  if (object.apiVersion.startsWith('events.k8s.io/')) return renameEvent(object, apiVersion, toCoreEvent);
  if (kind.group === 'autoscaling') return convertAutoscaler(object, apiVersion);
  return { ...object, apiVersion };
}

/** What webhooks made of objects, as long as those are in use. */
const converted = new WeakMap<KubeObject, Map<string, KubeObject>>();

function unconverted(object: KubeObject, apiVersion: string): never {
  throw new Unconverted(`${object.kind} ${object.metadata.name} has not been converted to ${apiVersion} yet`);
}

/** The object is needed in a version that only a webhook can make; `Conversions.ready` was not asked for it. */
export class Unconverted extends Error {
  override readonly name = 'Unconverted';
}

/** Whether {@link convert} needs no webhook for this. */
export function isConverted(object: KubeObject, kind: KindInfo): boolean {
  const apiVersion = groupVersionOf(kind);
  return !kind.conversion || object.apiVersion === apiVersion || converted.get(object)?.has(apiVersion) === true;
}

/** Keep what a webhook made of an object. */
export function rememberConverted(object: KubeObject, kind: KindInfo, made: KubeObject): void {
  const known = converted.get(object) ?? new Map<string, KubeObject>();
  converted.set(object, known.set(groupVersionOf(kind), made));
}

/** The JSON text of an entry as this kind shows it. */
export function textOf(entry: Entry, kind: KindInfo): string {
  if (entry.object.apiVersion === groupVersionOf(kind)) return entry.text;
  return JSON.stringify(convert(entry.object, kind));
}

/** Field of the core group → field of events.k8s.io. */
const toGroupEvent: Readonly<Record<string, string>> = {
  involvedObject: 'regarding',
  message: 'note',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
  reportingComponent: 'reportingController',
};

const toCoreEvent: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(toGroupEvent).map(([core, group]) => [group, core]),
);

function renameEvent(object: KubeObject, apiVersion: string, names: Readonly<Record<string, string>>): KubeObject {
  const renamed = Object.entries(object).map(([name, value]) => [names[name] ?? name, value] as const);
  const event = { ...object, ...Object.fromEntries(renamed), apiVersion };
  return withoutOldNames(event, names);
}

function withoutOldNames(event: KubeObject, names: Readonly<Record<string, string>>): KubeObject {
  let result = event;
  for (const name of Object.keys(names)) result = withField(result, name, undefined);
  const series = recordAt(result, 'series');
  return isRecord(series) && Object.keys(series).length === 0 ? withField(result, 'series', undefined) : result;
}
