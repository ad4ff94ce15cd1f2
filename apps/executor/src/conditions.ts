import type { KubeObject } from '@sluice/model';
import { TaskError } from './task-error.ts';

/** One requirement on an object: a field by its path, and what it must be. */
type Requirement = { readonly path: string; readonly operator: string; readonly values: readonly string[] };

/** Read a condition in the words of a label selector: `status.phase == Succeeded, status.x in (a, b), !status.y`. */
export function parseCondition(text: string): readonly Requirement[] {
  const terms = text.split(/,(?![^(]*\))/).map((term) => term.trim());
  return terms.filter((term) => term !== '').map((term) => parseTerm(term, text));
}

const path = String.raw`[A-Za-z0-9_][\w./#()=" -]*?`;
const set = new RegExp(`^(${path})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const compared = new RegExp(`^(${path})\\s*(==|!=|=|>|<)\\s*(\\S*)$`);

function parseTerm(term: string, whole: string): Requirement {
  const inSet = set.exec(term);
  if (inSet)
    return {
      path: inSet[1] ?? '',
      operator: inSet[2] ?? '',
      values: (inSet[3] ?? '').split(',').map((value) => value.trim()),
    };
  const equal = compared.exec(term);
  if (equal) return { path: (equal[1] ?? '').trim(), operator: equal[2] ?? '', values: [equal[3] ?? ''] };
  const exists = /^(!?)\s*([\w./#-]+)$/.exec(term);
  if (exists) return { path: exists[2] ?? '', operator: exists[1] === '!' ? 'absent' : 'exists', values: [] };
  throw new TaskError(`condition ${JSON.stringify(whole)} cannot be read at ${JSON.stringify(term)}`);
}

/** True when all requirements hold. */
export function meets(object: KubeObject, requirements: readonly Requirement[]): boolean {
  return requirements.every(({ path: at, operator, values }) => {
    const found = valueAt(object, at);
    const text = found === undefined ? '' : typeof found === 'string' ? found : JSON.stringify(found);
    switch (operator) {
      case 'in':
      case '=':
      case '==':
        return found !== undefined && values.includes(text);
      case 'notin':
      case '!=':
        return found === undefined || !values.includes(text);
      case '>':
        return found !== undefined && Number(text) > Number(values[0]);
      case '<':
        return found !== undefined && Number(text) < Number(values[0]);
      case 'exists':
        return found !== undefined;
      default:
        return found === undefined;
    }
  });
}

/** The value at a dotted path; numbers are places in a list, `#` its length. */
function valueAt(object: unknown, dotted: string): unknown {
  let value = object;
  for (const part of dotted.split('.')) {
    if (Array.isArray(value)) value = part === '#' ? value.length : (value as unknown[])[Number(part)];
    else if (typeof value === 'object' && value !== null && Object.hasOwn(value, part))
      value = (value as Readonly<Record<string, unknown>>)[part];
    else return undefined;
  }
  return value;
}
