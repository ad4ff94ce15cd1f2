/**
 * Patterns for branch names, tag names and paths. `*` is any run of characters except `/`, `**` any run of characters,
 * as a whole segment (`a/`, two stars, `/b`) also none; `?` is one character except `/`; `[a-z]` and `[!a-z]` are one character of a set;
 * `{a,b}` is either; `\` takes the next character as it is. The whole text must match.
 */
export type Glob = { readonly source: string; readonly alternatives: readonly (readonly Token[])[] };

type Token =
  | { readonly kind: 'literal'; readonly char: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'set'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }
  /** Any run; `slash` tells whether it may hold a slash. */
  | { readonly kind: 'run'; readonly slash: boolean }
  /** None, or any run that ends in a slash. */
  | { readonly kind: 'directories' };

const maxPattern = 512;
const maxAlternatives = 64;

/** Read a pattern, or say in words what is wrong with it. */
export function parseGlob(
  source: string,
): { readonly ok: true; readonly value: Glob } | { ok: false; message: string } {
  if (source === '') return { ok: false, message: 'the pattern is empty' };
  if (source.length > maxPattern) return { ok: false, message: `the pattern is longer than ${maxPattern} characters` };
  try {
    const alternatives = expandBraces(source).map(tokenize);
    return { ok: true, value: { source, alternatives } };
  } catch (error) {
    if (error instanceof GlobError) return { ok: false, message: error.message };
    throw error;
  }
}

/** Whether the whole text matches. Takes time in proportion to pattern times text, whatever they are. */
export function matchesGlob(glob: Glob, text: string): boolean {
  return glob.alternatives.some((tokens) => matchesTokens(tokens, text));
}

/**
 * Whether a list of patterns takes a text in: the last pattern that matches decides, one that begins with `!` takes it
 * out. A list of `!` patterns only takes in all the rest. Patterns that cannot be read match nothing.
 */
export function matchesAnyGlob(patterns: readonly string[], text: string): boolean {
  let taken = patterns.length > 0 && patterns.every((pattern) => pattern.startsWith('!'));
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (taken !== negated) continue;
    const glob = parseGlob(negated ? pattern.slice(1) : pattern);
    if (glob.ok && matchesGlob(glob.value, text)) taken = !negated;
  }
  return taken;
}

class GlobError extends Error {}

/** Every text that the braces of a pattern stand for. Nesting multiplies, so the number is capped. */
function expandBraces(source: string): string[] {
  const open = findUnescaped(source, '{', 0);
  if (open < 0) {
    if (findUnescaped(source, '}', 0) >= 0) throw new GlobError('"}" closes no "{"');
    return [source];
  }
  const { parts, end } = splitBraces(source, open);
  const tails = expandBraces(source.slice(end + 1));
  const out: string[] = [];
  for (const part of parts.flatMap(expandBraces)) {
    for (const tail of tails) out.push(source.slice(0, open) + part + tail);
    if (out.length > maxAlternatives) {
      throw new GlobError(`the braces stand for more than ${maxAlternatives} patterns`);
    }
  }
  return out;
}

function splitBraces(source: string, open: number): { parts: string[]; end: number } {
  const parts: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let i = open; i < source.length; i++) {
    const char = source[i];
    if (char === '\\') i++;
    else if (char === '[') i = Math.max(i, setEnd(source, i));
    else if (char === '{') depth++;
    else if (char === ',' && depth === 1) {
      parts.push(source.slice(start, i));
      start = i + 1;
    } else if (char === '}' && --depth === 0) {
      parts.push(source.slice(start, i));
      return { parts, end: i };
    }
    if (depth > 4) throw new GlobError('braces are nested more than four deep');
  }
  throw new GlobError('"{" is not closed by "}"');
}

function findUnescaped(source: string, wanted: string, from: number): number {
  for (let i = from; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === '[') i = Math.max(i, setEnd(source, i));
    else if (source[i] === wanted) return i;
  }
  return -1;
}

/** Index of the `]` that closes the set opened at `open`; -1 when there is none. A `]` that comes first is a member. */
function setEnd(source: string, open: number): number {
  let i = open + 1;
  if (source[i] === '!' || source[i] === '^') i++;
  if (source[i] === ']') i++;
  for (; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === ']') return i;
  }
  return -1;
}

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i);
    if (char === '*') i = pushRun(tokens, pattern, i);
    else if (char === '?') tokens.push({ kind: 'any' });
    else if (char === '[') {
      const end = setEnd(pattern, i);
      if (end < 0) throw new GlobError('"[" is not closed by "]"');
      tokens.push(parseSet(pattern.slice(i + 1, end)));
      i = end;
    } else if (char === '\\') {
      const next = pattern[++i];
      if (next === undefined) throw new GlobError('the pattern ends in "\\", which takes the next character as it is');
      tokens.push({ kind: 'literal', char: next });
    } else tokens.push({ kind: 'literal', char });
  }
  return tokens;
}

/** Push the token of the stars at `start`; returns the index of the last character used. */
function pushRun(tokens: Token[], pattern: string, start: number): number {
  let end = start;
  while (pattern[end + 1] === '*') end++;
  const opensSegment = start === 0 || pattern[start - 1] === '/';
  if (end > start && opensSegment && pattern[end + 1] === '/') {
    if (tokens.at(-1)?.kind !== 'directories') tokens.push({ kind: 'directories' });
    return end + 1;
  }
  tokens.push({ kind: 'run', slash: end > start });
  return end;
}

function parseSet(body: string): Token {
  const negated = body.startsWith('!') || body.startsWith('^');
  const chars: string[] = [];
  const ranges: (readonly [string, string])[] = [];
  for (let i = negated ? 1 : 0; i < body.length; i++) {
    if (body[i] === '\\') i++;
    const first = body.charAt(i);
    const last = body[i + 2];
    if (body[i + 1] === '-' && last !== undefined) {
      if (last < first) throw new GlobError(`the range "${first}-${last}" runs backwards`);
      ranges.push([first, last]);
      i += 2;
    } else chars.push(first);
  }
  return { kind: 'set', negated, ranges: [...ranges, ...chars.map((char) => [char, char] as const)] };
}

/** Simulates all ways to match at once: after each character, the set of token positions that may come next. */
function matchesTokens(tokens: readonly Token[], text: string): boolean {
  let active = new Uint8Array(tokens.length + 1);
  active[0] = 1;
  passEmpty(tokens, active);
  for (let at = 0; at < text.length; at++) {
    const next = new Uint8Array(tokens.length + 1);
    let alive = false;
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i];
      if (!active[i] || !token) continue;
      alive = step(token, i, text.charAt(at), next) || alive;
    }
    if (!alive) return false;
    passEmpty(tokens, next);
    active = next;
  }
  return active[tokens.length] === 1;
}

/** Runs may be empty, and so may directories at the start of a segment (which is where the token is entered). */
function passEmpty(tokens: readonly Token[], active: Uint8Array): void {
  for (let i = 0; i < tokens.length; i++) {
    // 2 marks directories whose present segment has begun: they cannot end before a slash.
    if (active[i] === 1 && (tokens[i]?.kind === 'run' || tokens[i]?.kind === 'directories')) active[i + 1] = 1;
  }
}

function step(token: Token, i: number, char: string, next: Uint8Array): boolean {
  switch (token.kind) {
    case 'literal':
      if (token.char !== char) return false;
      next[i + 1] = 1;
      return true;
    case 'any':
      if (char === '/') return false;
      next[i + 1] = 1;
      return true;
    case 'set': {
      const member = token.ranges.some(([first, last]) => char >= first && char <= last);
      if (char === '/' || member === token.negated) return false;
      next[i + 1] = 1;
      return true;
    }
    case 'run':
      if (char === '/' && !token.slash) return false;
      next[i] = 1;
      return true;
    case 'directories':
      if (char === '/') next[i] = 1;
      else if (next[i] !== 1) next[i] = 2;
      return true;
    default:
      return unreachable(token);
  }
}

function unreachable(token: never): never {
  throw new Error(`unknown glob token ${JSON.stringify(token)}`);
}
