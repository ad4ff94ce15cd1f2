import { TaskError } from './task-error.ts';

/** What the flags of a resource template say, in the words of kubectl. */
export type ResourceFlags = {
  /** Kind and names, as in `configmap a b` or `pod/x`. */
  readonly words: readonly string[];
  readonly namespace?: string;
  readonly selector?: string;
  readonly all: boolean;
  readonly ignoreNotFound: boolean;
  readonly wait: boolean;
  readonly serverSide: boolean;
  readonly fieldManager?: string;
  readonly gracePeriodSeconds?: number;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
};

/** Flags that take a value, flags that do not, and flags that change nothing here. */
const valued = new Set(['namespace', 'selector', 'field-manager', 'grace-period']);
const plain = new Set(['all', 'ignore-not-found', 'wait', 'server-side', 'force', 'cascade', 'now']);
const ignored = new Set(['validate', 'output', 'overwrite', 'force-conflicts', 'save-config', 'record', 'timeout']);
const ignoredValued = new Set(['output', 'timeout']);
const short: Readonly<Record<string, string>> = { n: 'namespace', l: 'selector', o: 'output' };

/** Read the flags. Throws {@link TaskError} for one that is not supported. */
export function parseFlags(flags: readonly string[]): ResourceFlags {
  const words: string[] = [];
  const values = new Map<string, string>();
  const rest = flags
    .flatMap((flag) => (flag.startsWith('-') ? [flag] : flag.split(/\s+/)))
    .filter(Boolean)
    .values();
  for (const flag of rest) {
    if (!flag.startsWith('-')) {
      words.push(flag);
      continue;
    }
    const [, long, letter, inline] = /^(?:--([a-z-]+)|-([a-z]))(?:=?(.+))?$/s.exec(flag) ?? [];
    const name = long ?? short[letter ?? ''] ?? '';
    if (!valued.has(name) && !plain.has(name) && !ignored.has(name))
      throw new TaskError(`resource.flags: ${flag} is not supported`);
    const takesNext = inline === undefined && (valued.has(name) || ignoredValued.has(name));
    const value = takesNext ? rest.next().value : inline;
    if (valued.has(name) && value === undefined) throw new TaskError(`resource.flags: ${flag} needs a value`);
    values.set(name, value ?? 'true');
  }
  return flagsOf(words, values);
}

function flagsOf(words: readonly string[], values: ReadonlyMap<string, string>): ResourceFlags {
  const isOn = (name: string): boolean => values.has(name) && values.get(name) !== 'false';
  const grace = isOn('now') ? 1 : isOn('force') && !values.has('grace-period') ? 0 : values.get('grace-period');
  const propagation = propagationOf(values.get('cascade'));
  const optional = {
    namespace: values.get('namespace'),
    selector: values.get('selector'),
    fieldManager: values.get('field-manager'),
    gracePeriodSeconds: grace === undefined ? undefined : Number(grace),
    propagation,
  };
  return {
    words,
    all: isOn('all'),
    ignoreNotFound: isOn('ignore-not-found'),
    wait: values.get('wait') !== 'false',
    serverSide: isOn('server-side'),
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as object),
  };
}

function propagationOf(cascade: string | undefined): ResourceFlags['propagation'] {
  if (cascade === undefined) return undefined;
  if (cascade === 'orphan' || cascade === 'false') return 'Orphan';
  return cascade === 'foreground' ? 'Foreground' : 'Background';
}
