import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One row of expectations.tsv. */
export type Row = {
  readonly file: string;
  readonly kind: string;
  readonly expectedPhase: string;
  readonly needs: readonly string[];
  readonly requires: readonly string[];
  readonly features: readonly string[];
  readonly assert: Assertion;
};

export type NodeAssertion = {
  readonly phase?: string;
  readonly phaseIn?: readonly string[];
  readonly type?: string;
  readonly messageContains?: string | readonly string[];
  readonly outputs?: { readonly parameters?: Readonly<Record<string, unknown>> };
  readonly inputs?: { readonly parameters?: Readonly<Record<string, unknown>> };
};

export type ObjectAssertion = {
  readonly kind: string;
  readonly name?: string;
  readonly generateName?: string;
  readonly exists?: boolean;
  readonly ownedByWorkflow?: boolean;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly phase?: string;
};

/** What must hold at the end; see the corpus' README. */
export type Assertion = {
  readonly nodes?: Readonly<Record<string, NodeAssertion>>;
  readonly absentNodes?: readonly string[];
  readonly anyNode?: NodeAssertion;
  readonly log?: Readonly<Record<string, string | readonly string[]>>;
  readonly anyLog?: readonly string[];
  readonly outputs?: { readonly parameters?: Readonly<Record<string, unknown>> };
  readonly messageContains?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly pods?: number;
  readonly objects?: readonly ObjectAssertion[];
  readonly accepted?: boolean;
  readonly parameters?: Readonly<Record<string, string>> | readonly string[];
  readonly after?: string;
  readonly anyOf?: readonly Assertion[];
};

/** Read the table of a directory. */
export function readRows(directory: string): readonly Row[] {
  const [head = '', ...lines] = readFileSync(join(directory, 'expectations.tsv'), 'utf8').trimEnd().split('\n');
  const names = head.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    const cell = (name: string): string => {
      const text = cells[names.indexOf(name)] ?? '-';
      return text === '-' ? '' : text;
    };
    const list = (name: string): readonly string[] => cell(name).split(',').filter(Boolean);
    return {
      file: cell('file'),
      kind: cell('kind'),
      expectedPhase: cell('expected_phase'),
      needs: list('needs').filter((need) => need !== 'none'),
      requires: list('requires'),
      features: list('features'),
      assert: JSON.parse(cell('assert') || '{}') as Assertion,
    };
  });
}
