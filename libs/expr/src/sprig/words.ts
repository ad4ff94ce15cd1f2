import { byteLength, sliceBytes } from '../utf8.ts';
import type { HostFunction } from '../value.ts';
import { countOf, textOf } from './arguments.ts';

/** Sprig's functions that cut and wrap text. They count bytes, as upstream does. */
export const sprigWords: Readonly<Record<string, HostFunction>> = {
  substr: (start, end, value) => substring(countOf(start), countOf(end), textOf(value)),
  trunc: (size, value) => truncate(countOf(size), textOf(value)),
  abbrev: (width, value) => (countOf(width) < 4 ? textOf(value) : abbreviate(textOf(value), 0, countOf(width))),
  abbrevboth: (left, right, value) => {
    const [offset, width] = [countOf(left), countOf(right)];
    return width < 4 || (offset > 0 && width < 7) ? textOf(value) : abbreviate(textOf(value), offset, width);
  },
  wrap: (width, value) => wrap(textOf(value), countOf(width), '\n', false),
  wrapWith: (width, by, value) => wrap(textOf(value), countOf(width), textOf(by) || '\n', true),
};

function substring(start: number, end: number, value: string): string {
  const size = byteLength(value);
  if (start < 0) return sliceBytes(value, 0, Math.max(0, end));
  const stop = end < 0 || end > size ? size : end;
  if (start > stop) throw new Error(`runtime error: slice bounds out of range [${start}:${stop}]`);
  return sliceBytes(value, start, stop);
}

function truncate(length: number, value: string): string {
  const size = byteLength(value);
  if (length < 0) return size + length > 0 ? sliceBytes(value, size + length, size) : value;
  return size > length ? sliceBytes(value, 0, length) : value;
}

function abbreviate(value: string, from: number, width: number): string {
  if (width < 4) return '';
  if (value.length <= width) return value;
  const offset = Math.min(from, value.length, Math.max(0, value.length - (width - 3)));
  if (offset <= 4) return `${value.slice(0, width - 3)}...`;
  if (width < 7) return '';
  if (offset + width - 3 < value.length) return `...${abbreviate(value.slice(offset), 0, width - 3)}`;
  return `...${value.slice(value.length - (width - 3))}`;
}

function wrap(value: string, asked: number, newLine: string, cutsWords: boolean): string {
  const width = Math.max(1, asked);
  const lines: string[] = [];
  let offset = 0;
  while (value.length - offset > width) {
    if (value.charAt(offset) === ' ') {
      offset++;
      continue;
    }
    const space = value.slice(offset, offset + width + 1).lastIndexOf(' ');
    const next = space >= 0 ? offset + space : cutsWords ? -1 : value.indexOf(' ', offset + width);
    if (next < 0 && !cutsWords) break;
    lines.push(value.slice(offset, next < 0 ? offset + width : next));
    offset = next < 0 ? offset + width : next + 1;
  }
  return [...lines, value.slice(offset)].join(newLine);
}
