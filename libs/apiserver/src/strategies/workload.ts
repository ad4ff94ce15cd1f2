import type { KubeObject } from '@sluice/model';
import { recordAt, textAt, valueAt, withField } from '../objects/json.ts';
import type { Strategy } from '../rest/api.ts';

/** A job selects its pods by its own uid, unless it brings a selector. */
export const jobStrategy: Strategy = {
  prepareCreate: (job) => {
    if (valueAt(job, 'spec', 'manualSelector') === true) return job;
    const uid = job.metadata.uid ?? '';
    const { name } = job.metadata;
    const labels = {
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': name,
      'controller-uid': uid,
      'job-name': name,
    };
    const spec = recordAt(job, 'spec');
    const template = recordAt(spec, 'template');
    const metadata = recordAt(template, 'metadata');
    const merged = { ...metadata, labels: { ...recordAt(metadata, 'labels'), ...labels } };
    const selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
    return withField(job, 'spec', { ...spec, selector, template: { ...template, metadata: merged } });
  },
};

/** Write-only stringData becomes data. */
export const secretStrategy: Strategy = { prepareCreate: encodeStrings, prepareUpdate: encodeStrings };

function encodeStrings(secret: KubeObject): KubeObject {
  const strings = recordAt(secret, 'stringData');
  const names = Object.entries(strings);
  if (names.length === 0) return 'stringData' in secret ? withField(secret, 'stringData', undefined) : secret;
  const encoded = names.map(([name, text]) => [name, Buffer.from(String(text)).toString('base64')] as const);
  const data = { ...recordAt(secret, 'data'), ...Object.fromEntries(encoded) };
  return withField(withField(secret, 'data', data), 'stringData', undefined);
}

/** Claims and volumes begin in phase Pending. */
export const volumeStrategy: Strategy = {
  prepareCreate: (volume) =>
    withField(volume, 'status', {
      ...recordAt(volume, 'status'),
      phase: textAt(volume, 'status', 'phase') || 'Pending',
    }),
};
