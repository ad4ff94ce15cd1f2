/** `metav1.LabelSelector` as found in specs. */
export type LabelSelector = {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
};

/** One term of a selector. `Gt` and `Lt` exist only in node selectors. */
export type LabelRequirement = {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
};

/** A selector text or object that cannot be read. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

type Labels = Readonly<Record<string, string>> | undefined;

/** Read the text form: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. Throws {@link SelectorError}. */
export function parseLabelSelector(text: string): readonly LabelRequirement[] {
  return splitTerms(text).map(parseTerm);
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let depth = 0;
  let term = '';
  for (const char of text) {
    if (char === '(') depth++;
    if (char === ')') depth--;
    if (char === ',' && depth === 0) {
      terms.push(term.trim());
      term = '';
    } else term += char;
  }
  if (depth !== 0) throw new SelectorError(`label selector ${JSON.stringify(text)}: brackets do not match`);
  terms.push(term.trim());
  return terms.filter((part) => part !== '');
}

const label = '[A-Za-z0-9][A-Za-z0-9._/-]*';
const setTerm = new RegExp(`^(${label})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const equalTerm = new RegExp(`^(${label})\\s*(==|=|!=)\\s*([A-Za-z0-9._-]*)$`);
const existsTerm = new RegExp(`^(!?)\\s*(${label})$`);

function parseTerm(term: string): LabelRequirement {
  const set = setTerm.exec(term);
  if (set) {
    const values = (set[3] ?? '').split(',').map((value) => value.trim());
    return { key: set[1] ?? '', operator: set[2] === 'in' ? 'In' : 'NotIn', values };
  }
  const equal = equalTerm.exec(term);
  if (equal) return { key: equal[1] ?? '', operator: equal[2] === '!=' ? 'NotIn' : 'In', values: [equal[3] ?? ''] };
  const exists = existsTerm.exec(term);
  if (exists) return { key: exists[2] ?? '', operator: exists[1] ? 'DoesNotExist' : 'Exists', values: [] };
  throw new SelectorError(`label selector: ${JSON.stringify(term)} is not of the form key=value, key in (a,b) or key`);
}

/** The terms of a selector object. Throws {@link SelectorError} for an unknown operator. */
export function toRequirements(selector: LabelSelector): readonly LabelRequirement[] {
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]): LabelRequirement => ({
    key,
    operator: 'In',
    values: [value],
  }));
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }): LabelRequirement => {
    if (operator === 'In' || operator === 'NotIn' || operator === 'Exists' || operator === 'DoesNotExist') {
      return { key, operator, values };
    }
    throw new SelectorError(`label selector: operator ${JSON.stringify(operator)} of key ${key} is not known`);
  });
  return [...equal, ...expressions];
}

/** True when all terms hold. No terms select everything. */
export function matchesRequirements(requirements: readonly LabelRequirement[], labels: Labels): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = labels && Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        return operator satisfies never;
    }
  });
}

/** True when a selector object selects these labels. As in Kubernetes: no selector selects nothing, an empty one all. */
export function matchesLabelSelector(selector: LabelSelector | undefined, labels: Labels): boolean {
  return selector !== undefined && matchesRequirements(toRequirements(selector), labels);
}

/** The text form of a selector object, for lists and watches. */
export function formatLabelSelector(selector: LabelSelector): string {
  return toRequirements(selector)
    .map(({ key, operator, values }) => {
      if (operator === 'Exists') return key;
      if (operator === 'DoesNotExist') return `!${key}`;
      return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
    })
    .join(',');
}
