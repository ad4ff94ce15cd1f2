import { resources, type KubeObject } from '@sluice/model';
import { createEventRecorder, type EventRecorder, type EventRecorderOptions, type KubeApi } from '@sluice/reconcile';

/** Events about an object carry annotations with what it is about: `helm.toolkit.fluxcd.io/revision` and the like. */
export type ReleaseEvents = EventRecorder & {
  /** From now on events about the object carry these annotations. */
  describe(object: KubeObject, annotations: Readonly<Record<string, string>>): void;
};

const maxDescribed = 10_000;

type Event = KubeObject & { readonly involvedObject?: { readonly uid?: string } };

/** A recorder whose events are annotated. */
export function createReleaseEvents(options: EventRecorderOptions): ReleaseEvents {
  const described = new Map<string, Readonly<Record<string, string>>>();
  const kube: KubeApi = {
    ...options.kube,
    create: (resource, object, write) => {
      const uid = resource === resources.events ? (object as Event).involvedObject?.uid : undefined;
      const annotations = uid === undefined ? undefined : described.get(uid);
      if (!annotations) return options.kube.create(resource, object, write);
      const metadata = { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } };
      return options.kube.create(resource, { ...object, metadata }, write);
    },
  };
  const recorder = createEventRecorder({ ...options, kube });
  return {
    event: (object, type, reason, message) => recorder.event(object, type, reason, message),
    flush: () => recorder.flush(),
    describe: ({ metadata: { uid } }, annotations) => {
      if (!uid) return;
      if (described.size >= maxDescribed) described.clear();
      described.set(uid, annotations);
    },
  };
}
