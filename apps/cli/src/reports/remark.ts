/** A finding of a report: what a check shows at a line. */
export type Remark = {
  readonly level: 'error' | 'warning' | 'notice';
  readonly file?: string;
  readonly line?: number;
  readonly endLine?: number;
  readonly column?: number;
  readonly title?: string;
  readonly message: string;
};

/** A remark as the command that checks read from logs. */
export function toCommand({ level, file, line, endLine, column, title, message }: Remark): string {
  const values = { file, line, endLine, col: column, title };
  const parameters = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escapeText(String(value)).replaceAll(':', '%3A').replaceAll(',', '%2C')}`);
  return `::${level} ${parameters.join(',')}::${escapeText(message)}`;
}

function escapeText(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
