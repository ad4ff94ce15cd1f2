import type { Node } from '../lang/ast.ts';
import { childrenOf } from '../lang/children.ts';
import { ExprError } from '../lang/failure.ts';
import { parseExpression } from '../lang/parser.ts';

/**
 * The variables that an expression reads, as paths: `steps.a.outputs` → ['steps', 'a', 'outputs']. Empty when it does
 * not parse. `withLocals` counts what its own `let` declares too.
 */
export function freeNames(source: string, withLocals = false): readonly (readonly string[])[] {
  try {
    const found: string[][] = [];
    collect(parseExpression(source), found, withLocals ? undefined : new Set());
    return found;
  } catch (error) {
    if (error instanceof ExprError) return [];
    throw error;
  }
}

/** True when one of the paths is `name`, lies under it or above it. */
export function mentions(paths: readonly (readonly string[])[], name: string): boolean {
  const wanted = name.split('.');
  return paths.some((path) => wanted.every((part, index) => path[index] === part));
}

function collect(node: Node, found: string[][], locals: ReadonlySet<string> | undefined): void {
  if (node.kind === 'let') {
    collect(node.value, found, locals);
    collect(node.body, found, locals && new Set([...locals, node.name]));
    return;
  }
  const path = pathOf(node);
  if (!path) for (const child of childrenOf(node)) collect(child, found, locals);
  else if (!locals?.has(path[0] ?? '')) found.push(path);
}

function pathOf(node: Node): string[] | undefined {
  if (node.kind === 'name') return [node.name];
  if (node.kind === 'chain') return pathOf(node.body);
  if (node.kind !== 'member' || node.property.kind !== 'literal' || typeof node.property.value !== 'string')
    return undefined;
  const object = pathOf(node.object);
  if (!object || node.optional || hasOptional(node.object)) return object;
  return [...object, node.property.value];
}

/** True where a `?.` lets the rest of a path be absent. */
function hasOptional(node: Node): boolean {
  if (node.kind === 'chain') return hasOptional(node.body);
  return node.kind === 'member' && (node.optional || hasOptional(node.object));
}
