import type { KubeObject } from '@sluice/model';
import { isRecord, listAt, recordAt, textAt, withField, withMetadata } from '../objects/json.ts';
import type { KindRegistry } from '../registry/kind-registry.ts';
import { type Strategy, timeText } from '../rest/api.ts';

/** Keeps a deleted definition until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

type Outcome = { readonly accepted: boolean; readonly reason: string; readonly message: string };

/** Definitions are accepted, or refused over a name that is taken, in the write that brings them. */
export function definitionStrategy(registry: KindRegistry, now: () => number): Strategy {
  const settle = (definition: KubeObject): KubeObject => withStatus(withNames(definition), registry, now());
  return {
    prepareCreate: (definition) => {
      const finalizers = definition.metadata.finalizers ?? [];
      const kept = finalizers.includes(cleanupFinalizer) ? finalizers : [...finalizers, cleanupFinalizer];
      return settle(withMetadata(definition, { finalizers: kept }));
    },
    prepareUpdate: settle,
    markDeleted: (definition) =>
      setConditions(definition, [
        {
          type: 'Terminating',
          status: 'True',
          reason: 'InstanceDeletionPending',
          message: 'CustomResource deletion is pending',
          lastTransitionTime: timeText(now()),
        },
      ]),
  };
}

/** True for a definition whose kinds are served. */
export function isEstablished(definition: KubeObject): boolean {
  return listAt(definition, 'status', 'conditions').some(
    (condition) => textAt(condition, 'type') === 'Established' && textAt(condition, 'status') === 'True',
  );
}

function withNames(definition: KubeObject): KubeObject {
  const spec = recordAt(definition, 'spec');
  const names = recordAt(spec, 'names');
  const kind = textAt(names, 'kind');
  const singular = textAt(names, 'singular') || kind.toLowerCase();
  const listKind = textAt(names, 'listKind') || `${kind}List`;
  const conversion = spec['conversion'] ?? { strategy: 'None' };
  return withField(definition, 'spec', { ...spec, conversion, names: { ...names, singular, listKind } });
}

function withStatus(definition: KubeObject, registry: KindRegistry, now: number): KubeObject {
  const spec = recordAt(definition, 'spec');
  const storage = listAt(spec, 'versions').find((version) => isRecord(version) && version['storage'] === true);
  const stored = new Set(listAt(definition, 'status', 'storedVersions'));
  if (storage) stored.add(textAt(storage, 'name'));
  const { accepted, reason, message } = judge(definition, registry);
  const lastTransitionTime = timeText(now);
  const names = { type: 'NamesAccepted', status: accepted ? 'True' : 'False', reason, message, lastTransitionTime };
  const established = {
    type: 'Established',
    status: accepted ? 'True' : 'False',
    reason: accepted ? 'InitialNamesAccepted' : 'NotAccepted',
    message: accepted ? 'the initial names have been accepted' : 'not all names are accepted',
    lastTransitionTime,
  };
  const status = {
    ...recordAt(definition, 'status'),
    acceptedNames: accepted ? recordAt(spec, 'names') : recordAt(definition, 'status', 'acceptedNames'),
    storedVersions: [...stored],
  };
  return setConditions(withField(definition, 'status', status), [names, established]);
}

/** Names of a group must not be taken by another definition or a built-in kind. */
function judge(definition: KubeObject, registry: KindRegistry): Outcome {
  const group = textAt(definition, 'spec', 'group');
  const plural = textAt(definition, 'spec', 'names', 'plural');
  const kind = textAt(definition, 'spec', 'names', 'kind');
  const others = registry.all.filter((other) => other.group === group && other.plural !== plural);
  const clash = others.find((other) => other.kind === kind || other.listKind === kind);
  if (clash) return { accepted: false, reason: 'KindConflict', message: `"${kind}" is already in use` };
  return { accepted: true, reason: 'NoConflicts', message: 'no conflicts found' };
}

type StatusCondition = Readonly<Record<'type' | 'status' | 'reason' | 'message' | 'lastTransitionTime', string>>;

function setConditions(definition: KubeObject, changes: readonly StatusCondition[]): KubeObject {
  const status = recordAt(definition, 'status');
  const before = listAt(status, 'conditions').filter(isRecord);
  const conditions = changes.map((change) => {
    const same = before.find((condition) => condition['type'] === change.type && condition['status'] === change.status);
    return same ? { ...change, lastTransitionTime: same['lastTransitionTime'] ?? change.lastTransitionTime } : change;
  });
  const kept = before.filter((condition) => !changes.some(({ type }) => type === condition['type']));
  return withField(definition, 'status', { ...status, conditions: [...kept, ...conditions] });
}
