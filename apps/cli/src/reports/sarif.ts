import type { Remark } from './remark.ts';

type Region = { readonly startLine?: number; readonly endLine?: number; readonly startColumn?: number };
type Result = {
  readonly level?: string;
  readonly ruleId?: string;
  readonly message?: { readonly text?: string };
  readonly locations?: readonly {
    readonly physicalLocation?: { readonly artifactLocation?: { readonly uri?: string }; readonly region?: Region };
  }[];
};

const levels: Readonly<Record<string, Remark['level']>> = { error: 'error', warning: 'warning', note: 'notice' };

/** The results of a SARIF 2.1.0 report. Throws a SyntaxError for what is not JSON, or has no runs. */
export function readSarif(text: string): readonly Remark[] {
  const { runs } = JSON.parse(text) as { readonly runs?: unknown };
  if (!Array.isArray(runs)) throw new SyntaxError('it has no runs, so it is not SARIF');
  return (runs as readonly { readonly results?: unknown }[]).flatMap(({ results }) =>
    Array.isArray(results) ? (results as readonly Result[]).flatMap(toRemark) : [],
  );
}

function toRemark({ level = 'warning', ruleId, message, locations }: Result): Remark[] {
  if (level === 'none') return [];
  const { artifactLocation, region = {} } = locations?.[0]?.physicalLocation ?? {};
  const uri = artifactLocation?.uri;
  return [
    {
      level: levels[level] ?? 'warning',
      ...(uri === undefined ? {} : { file: uri.replace(/^file:\/\//, '') }),
      ...(region.startLine === undefined ? {} : { line: region.startLine }),
      ...(region.endLine === undefined ? {} : { endLine: region.endLine }),
      ...(region.startColumn === undefined ? {} : { column: region.startColumn }),
      ...(ruleId === undefined ? {} : { title: ruleId }),
      message: message?.text ?? ruleId ?? 'found something',
    },
  ];
}
