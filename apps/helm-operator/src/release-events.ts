import type { KubeObject } from '@sluice/model';
import { createEventRecorder, type EventRecorder, type EventRecorderOptions } from '@sluice/reconcile';

/** Events about an object carry annotations with what it is about: `helm.toolkit.fluxcd.io/revision` and the like. */
export type ReleaseEvents = EventRecorder & {
  /** From now on events about the object carry these annotations. */
  describe(object: KubeObject, annotations: Readonly<Record<string, string>>): void;
};

const maxDescribed = 10_000;

/** A recorder whose events are annotated. */
export function createReleaseEvents(options: EventRecorderOptions): ReleaseEvents {
  const described = new Map<string, Readonly<Record<string, string>>>();
  const recorder = createEventRecorder(options);
  return {
    event(object, type, reason, message, annotations) {
      const known = described.get(object.metadata.uid ?? '');
      recorder.event(object, type, reason, message, known || annotations ? { ...known, ...annotations } : undefined);
    },
    flush: () => recorder.flush(),
    describe: ({ metadata: { uid } }, annotations) => {
      if (!uid) return;
      if (described.size >= maxDescribed) described.clear();
      described.set(uid, annotations);
    },
  };
}
