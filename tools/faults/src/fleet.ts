import type { JsonObject, KubeObject } from '@sluice/model';
import { keyOf, type Resource, resources } from '@sluice/model';
import {
  addFinalizer,
  applyStatus,
  Expectations,
  type OperatorController,
  ownerKeys,
  ownerReferenceTo,
  removeFinalizer,
  withCondition,
} from '@sluice/reconcile';
import { defineComposite, toController } from '@sluice/operator';

/** The kind that the controllers under test work for: so many config maps, and a card with a text. */
export type Fleet = KubeObject<{ readonly size: number; readonly text: string }, { readonly ready?: number }>;

export const fleets: Resource = {
  group: 'faults.sluice.dev',
  version: 'v1',
  plural: 'fleets',
  kind: 'Fleet',
  namespaced: true,
};

/** Label of the members of a fleet, with its name. */
export const memberLabel = 'faults.sluice.dev/member-of';
const finalizer = 'faults.sluice.dev/members';

const spec: JsonObject = {
  type: 'object',
  properties: { size: { type: 'integer', minimum: 0 }, text: { type: 'string' } },
};
const status: JsonObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** A card shows a text: one config map, made by a composite. */
export const cards: Resource = { ...fleets, plural: 'cards', kind: 'Card' };

/** The definitions of both kinds. */
export const definitions: readonly KubeObject[] = [fleets, cards].map(({ group, plural, kind }) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec, status } } },
      },
    ],
  },
}));

/**
 * Hand-written: members with names of their own, removed through a finalizer. After `expectationMs` it no longer waits for
 * its cache to show what it wrote: somebody may have undone it while the watch was down.
 */
export const fleetController = (expectationMs: number): OperatorController => ({
  name: 'fleet',
  watches: [{ resource: fleets }, { resource: resources.configMaps, keysOf: ownerKeys('Fleet', fleets.group) }],
  reconcile({ kube, informers, now }) {
    const cache = informers.informer<Fleet>(fleets);
    const members = informers.informer(resources.configMaps);
    const expected = new Expectations(members, { timeoutMs: expectationMs, now });
    return async (key, signal) => {
      let fleet = cache.get(key);
      if (!fleet) return {};
      const owner = fleet.metadata.uid ?? '';
      // Members are counted in the cache: not before it shows what was done about them already.
      if (!expected.satisfied(owner)) return { requeueAfterMs: expectationMs };
      const present = members
        .byIndex('owner', owner)
        .filter((member) => member.metadata.labels?.[memberLabel] === key.name);
      const deleting = fleet.metadata.deletionTimestamp !== undefined;
      if (!deleting) fleet = await addFinalizer(kube, fleets, fleet, finalizer);
      const size = deleting ? 0 : (fleet.spec?.size ?? 0);
      const wanted = new Set(Array.from({ length: size }, (_, at) => `${key.name}-${at}`));
      for (const member of present) {
        const { name, uid } = member.metadata;
        if (wanted.delete(name)) continue;
        await kube.delete(resources.configMaps, keyOf(member), { ...(uid && { uid }), signal });
        expected.deleted(owner, member);
      }
      for (const name of wanted) {
        const metadata = {
          name,
          namespace: key.namespace ?? '',
          labels: { [memberLabel]: key.name },
          ownerReferences: [ownerReferenceTo(fleet)],
        };
        const member = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
        const stored = await kube.apply(resources.configMaps, member, { fieldManager: 'fleet', signal });
        expected.created(owner, stored);
      }
      if (deleting) {
        await removeFinalizer(kube, fleets, fleet, finalizer);
        expected.forget(owner);
        return {};
      }
      const change = { type: 'Ready', status: 'True', reason: 'Sized', message: `${size} members` } as const;
      const next = withCondition(fleet, { ready: size }, change, now());
      await applyStatus(kube, fleets, fleet, next, { fieldManager: 'fleet', signal });
      return {};
    };
  },
});

/** Composite: a config map that shows the text. */
export const cardController: OperatorController = toController(
  defineComposite<Fleet, object>({
    name: 'card',
    kind: cards,
    children: [resources.configMaps],
    decide: ({ metadata: { name }, spec: wanted }) => {
      const shown = { text: wanted?.text ?? '' };
      const child = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${name}-card` }, data: shown };
      return { children: [child] };
    },
  }),
);
