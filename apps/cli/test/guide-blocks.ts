/** A fenced block of commands in a guide, with the output that the guide shows for it. */
export type Block = {
  readonly line: number;
  readonly script: string;
  /** It runs on while the guide goes on. */
  readonly background: boolean;
  readonly expected?: string;
};

/** The ```sh blocks of a guide in order; a ```text block that follows one is its output. Throws on a fence of another kind. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  for (const match of markdown.matchAll(/^```(\S*)[ \t]*(\S*)\n([\s\S]*?)^```$/gm)) {
    const [, language, word, text = ''] = match;
    const line = markdown.slice(0, match.index).split('\n').length;
    const last = blocks.at(-1);
    if (language === 'sh') blocks.push({ line, script: text, background: word === 'background' });
    else if (language === 'text' && last) blocks[blocks.length - 1] = { ...last, expected: text };
    else throw new Error(`line ${line}: a fence of kind "${language}" is not run; use sh or text`);
  }
  return blocks;
}

/** Output as a guide shows it: `…` stands for anything, a line of `…` for any lines, and the width of columns does not count. */
export function toPattern(expected: string): RegExp {
  const lines = expected.trimEnd().split('\n');
  const source = lines.map((line) => (line.trim() === '…' ? '(?:.*\\n)*?' : `${linePattern(line)}\\n`)).join('');
  return new RegExp(`^${source}`, 'm');
}

function linePattern(line: string): string {
  const parts = line.trimEnd().split('…');
  return parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replaceAll(/\s+/g, '\\s+')).join('.*');
}
