/** A piece of a line in one style. */
type Span = { readonly text: string; readonly colour?: string; readonly isBold: boolean; readonly isDim: boolean };

const colours: Readonly<Record<number, string>> = { 31: '#f2777a', 32: '#8fd18f', 33: '#f0c674', 36: '#6fc3df' };
const lineHeight = 19;
const charWidth = 8.05;
const margin = 18;

/** Text with ANSI colours (no cursor movement) as an SVG that looks like a terminal. Lines beyond `maxColumns` are cut. */
export function renderTerminal(text: string, title: string, maxColumns = 118): string {
  const lines = text
    .replace(/\s+$/, '')
    .split('\n')
    .map((line) => cut(parseLine(line), maxColumns));
  const columns = Math.max(
    60,
    ...lines.map((line) => line.reduce((sum, span) => sum + charactersOf(span.text).length, 0)),
  );
  const width = Math.ceil(columns * charWidth + 2 * margin);
  const height = lines.length * lineHeight + 2 * margin + 30;
  const body = lines.map((line, index) => textLine(line, margin + 44 + index * lineHeight)).join('\n');
  const dots = ['#ff5f57', '#febc2e', '#28c840']
    .map((fill, index) => `<circle cx="${20 + index * 18}" cy="18" r="5.5" fill="${fill}"/>`)
    .join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(title)}">
<rect width="${width}" height="${height}" rx="9" fill="#16191f"/>
${dots}<text x="${width / 2}" y="22" text-anchor="middle" font-family="ui-sans-serif, system-ui, sans-serif" font-size="12" fill="#8a919e">${escape(title)}</text>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13.4" fill="#d5d9e0" xml:space="preserve">
${body}
</g>
</svg>
`;
}

function textLine(spans: readonly Span[], y: number): string {
  const parts = spans.map(({ text, colour, isBold, isDim }) => {
    const style = `${colour ? ` fill="${colour}"` : ''}${isBold ? ' font-weight="bold"' : ''}${isDim ? ' opacity="0.62"' : ''}`;
    return style ? `<tspan${style}>${escape(text)}</tspan>` : escape(text);
  });
  return `<text x="${margin}" y="${y}">${parts.join('')}</text>`;
}

function parseLine(line: string): Span[] {
  const spans: Span[] = [];
  let colour: string | undefined;
  let isBold = false;
  let isDim = false;
  // oxlint-disable-next-line no-control-regex -- escape sequences begin with a control character
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    // oxlint-disable-next-line no-control-regex -- as above
    const codes = /^\u001b\[([0-9;]*)m$/.exec(part)?.[1];
    if (codes === undefined) {
      if (part) spans.push({ text: part, isBold, isDim, ...(colour ? { colour } : {}) });
      continue;
    }
    for (const code of codes.split(';').map(Number)) {
      if (code === 0) [colour, isBold, isDim] = [undefined, false, false];
      else if (code === 1) isBold = true;
      else if (code === 2) isDim = true;
      else colour = colours[code] ?? colour;
    }
  }
  return spans;
}

function cut(spans: readonly Span[], columns: number): Span[] {
  const kept: Span[] = [];
  let left = columns;
  for (const span of spans) {
    const characters = charactersOf(span.text);
    if (characters.length > left) {
      kept.push({ ...span, text: `${characters.slice(0, Math.max(0, left - 1)).join('')}…` });
      break;
    }
    kept.push(span);
    left -= characters.length;
  }
  return kept;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function charactersOf(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}
