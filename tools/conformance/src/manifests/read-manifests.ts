import type { KubeObject } from '@sluice/model';
import { parseAllDocuments, type YAMLParseError } from 'yaml';

const maxRepairs = 100;
const indent = ' '.repeat(40);

/**
 * The objects of a file, read as leniently as Kubernetes' own reader: lines of a quoted text or a flow list may be indented
 * less than they should. Leading blanks of such lines mean nothing, so they are indented more until the text is right.
 */
export function readManifests(text: string): readonly KubeObject[] {
  let lines = text.split('\n');
  for (let repairs = 0; ; repairs++) {
    const documents = parseAllDocuments(lines.join('\n'), { version: '1.1' });
    const error = documents.flatMap((document) => document.errors)[0];
    if (!error) return documents.flatMap((document) => (document.toJS() as KubeObject | null) ?? []).map(withKind);
    const line = lineToIndent(lines, error);
    if (line === undefined || repairs === maxRepairs) throw error;
    lines = lines.with(line, indent + (lines[line] ?? ''));
  }
}

function lineToIndent(lines: readonly string[], { code, linePos }: YAMLParseError): number | undefined {
  const place = linePos?.[0];
  if (!place || (code !== 'MISSING_CHAR' && code !== 'BAD_INDENT')) return undefined;
  const atEnd = place.col > (lines[place.line - 1] ?? '').length;
  const line = atEnd ? place.line : place.line - 1;
  return line < lines.length && !lines[line]?.startsWith(indent) ? line : undefined;
}

/** What says nothing else is a Workflow, as `argo submit` has it. */
function withKind(object: KubeObject): KubeObject {
  return { ...object, apiVersion: object.apiVersion ?? 'argoproj.io/v1alpha1', kind: object.kind ?? 'Workflow' };
}
