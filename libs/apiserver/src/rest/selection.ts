import type { KubeObject } from '@sluice/model';
import type { ListParameters } from '../http/query.ts';
import { badRequest } from '../http/status-error.ts';
import type { KindInfo } from '../kinds/kind.ts';
import { convert } from '../objects/conversion.ts';
import { matchesFields, parseFieldSelector } from '../selector/field-selector.ts';
import { matchesLabels, parseLabelSelector } from '../selector/label-selector.ts';

/** Which objects of a kind a list, watch or deletion means. */
export type Selection = {
  readonly matches: (object: KubeObject) => boolean;
  /** Nothing is filtered out. */
  readonly everything: boolean;
};

/** Parse both selectors. Throws 400 in the parser's words. */
export function parseSelection(
  kind: KindInfo,
  { labelSelector, fieldSelector }: Pick<ListParameters, 'labelSelector' | 'fieldSelector'>,
): Selection {
  const labels = parseLabelSelector(labelSelector);
  if (!labels.ok) throw badRequest(labels.problems.map(({ message }) => message).join('; '));
  const fields = parseFieldSelector(fieldSelector, kind);
  if (!fields.ok) throw badRequest(fields.problems.map(({ message }) => message).join('; '));
  const [byLabel, byField] = [labels.value, fields.value];
  const everything = byLabel.length === 0 && byField.length === 0;
  if (everything) return { matches: () => true, everything };
  return {
    everything,
    matches: (object) =>
      (byLabel.length === 0 || matchesLabels(byLabel, object.metadata.labels)) &&
      (byField.length === 0 || matchesFields(byField, kind.conversion ? object : convert(object, kind))),
  };
}
