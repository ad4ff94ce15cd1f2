import { expectJson, expectTrue, type Outcome } from '../suite.ts';
import { fields, labels } from './subject.ts';
import { expectFailure, type Player, unknownCase, type Vector } from './vector.ts';

type Labels = Readonly<Record<string, string>>;

/** Label and field selectors. */
export const playSelector: Player = (vector) => {
  const isField = vector.id.includes('fields/') || vector.id.startsWith('field-selector');
  return isField ? playField(vector) : playLabel(vector);
};

function playLabel(vector: Vector): Outcome {
  switch (vector.kind) {
    case 'parse':
    case 'labelParse':
      return playLabelParse(vector);
    case 'match':
    case 'labelMatch':
      return vector['error'] === true
        ? expectFailure(() => selectorOf(vector))
        : expectJson(labels.matchesLabels(selectorOf(vector) ?? [], vector['labels'] as Labels), vector['matches']);
    case 'matchSet': {
      const set = vector['set'] as Labels;
      const selector = labels.selectorOfLabels(set);
      return expectJson(labels.matchesLabels(selector, vector['labels'] as Labels), vector['matches']);
    }
    case 'requirement':
      return expectJson(
        labels.refuseRequirement(vector as unknown as labels.LabelRequirement) === undefined,
        vector['valid'],
      );
    case 'string':
      return expectJson(labels.formatLabelSelector(vector['requirements'] as labels.LabelSelector), vector['string']);
    case 'toMap': {
      const read = labels.labelsOfSelector(String(vector['selector']));
      return vector['error'] === true
        ? expectTrue(!read.ok, 'an error', read)
        : expectJson(read.ok ? read.value : read, vector['labels']);
    }
    case 'fromObject':
    case 'labelSelector':
      return playLabelObject(vector);
    default:
      return unknownCase(vector);
  }
}

function selectorOf(vector: Vector): labels.LabelSelector | undefined {
  if (Array.isArray(vector['requirements'])) return vector['requirements'] as labels.LabelSelector;
  const read = labels.parseLabelSelector(String(vector['selector']));
  return read.ok ? read.value : undefined;
}

function playLabelParse(vector: Vector): Outcome {
  const read = labels.parseLabelSelector(String(vector['selector']));
  if (vector['error'] === true) return expectTrue(!read.ok, 'an error', read);
  if (!read.ok) return expectJson(read.problems, vector['string']);
  if (vector['requirements'] !== undefined) {
    const plain = read.value.map(({ key, operator, values }) => ({ key, operator, values }));
    const wanted = (vector['requirements'] as labels.LabelSelector).toSorted((a, b) =>
      a.key < b.key ? -1 : a.key > b.key ? 1 : 0,
    );
    const outcome = expectJson(
      plain,
      wanted.map((one) => ({ ...one, values: one.values.toSorted() })),
    );
    if (outcome.result !== 'passed') return outcome;
  }
  return vector['string'] === undefined
    ? { result: 'passed' }
    : expectJson(labels.formatLabelSelector(read.value), vector['string']);
}

function playLabelObject(vector: Vector): Outcome {
  const read = labels.labelSelectorOf(vector['labelSelector']);
  if (vector['error'] === true) return expectTrue(!read.ok, 'an error', read);
  if (!read.ok) return expectJson(read.problems, vector['string']);
  const { value } = read;
  if (vector['nothing'] === true) return expectJson(value, 'nothing');
  const outcome =
    vector['string'] === undefined
      ? expectJson(true, true)
      : expectJson(value === 'nothing' ? '' : labels.formatLabelSelector(value), vector['string']);
  if (outcome.result !== 'passed' || vector['matches'] === undefined) return outcome;
  return expectJson(value !== 'nothing' && labels.matchesLabels(value, vector['labels'] as Labels), vector['matches']);
}

function playField(vector: Vector): Outcome {
  const text = String(vector['selector']);
  switch (vector.kind) {
    case 'parse':
    case 'fieldParse': {
      const read = fields.parseFieldSelector(text);
      if (vector['error'] === true) return expectTrue(!read.ok, 'an error', read);
      if (!read.ok) return expectJson(read.problems, vector['string']);
      const outcome =
        vector['requirements'] === undefined ? expectJson(true, true) : expectJson(read.value, vector['requirements']);
      return outcome.result === 'passed'
        ? expectJson(fields.formatFieldSelector(read.value), vector['string'])
        : outcome;
    }
    case 'match':
    case 'fieldMatch': {
      const read = fields.parseFieldSelector(text);
      if (vector['error'] === true) return expectTrue(!read.ok, 'an error', read);
      const values = vector['fields'] as Labels;
      return expectJson(
        read.ok && fields.matchesFieldValues(read.value, (field) => values[field] ?? ''),
        vector['matches'],
      );
    }
    case 'splitTerms':
      return expectJson(fields.splitTerms(text), vector['terms']);
    case 'splitTerm': {
      const parts = fields.splitTerm(String(vector['term']));
      if (vector['error'] === true) return expectTrue(parts === undefined, 'an error', parts);
      return expectJson(parts, { field: vector['lhs'], operator: vector['operator'], value: vector['rhs'] });
    }
    case 'escape':
      return expectJson(fields.escapeValue(String(vector['value'])), vector['escaped']);
    case 'unescape': {
      const read = fields.unescapeValue(String(vector['escaped']));
      return vector['error'] === true
        ? expectTrue(!read.ok, 'an error', read)
        : expectJson(read.ok && read.value, vector['value']);
    }
    default:
      return unknownCase(vector);
  }
}
