/** FNV-1a of 32 bits over UTF-8, in decimal: the hash of upstream's node ids. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 127) return fnvUtf8(text);
    hash = Math.imul(hash ^ code, 0x01000193);
  }
  return hash >>> 0;
}

function fnvUtf8(text: string): number {
  const bytes = encodeURIComponent(text.toWellFormed()).match(/%[0-9A-F]{2}|./g) ?? [];
  let hash = 0x811c9dc5;
  for (const byte of bytes) {
    const code = byte.length === 3 ? Number.parseInt(byte.slice(1), 16) : byte.charCodeAt(0);
    hash = Math.imul(hash ^ code, 0x01000193);
  }
  return hash >>> 0;
}

/** The id of a node: the workflow's name for the root, else `<workflow>-<hash of the node's name>`. */
export function nodeIdOf(workflow: string, nodeName: string): string {
  return nodeName === workflow ? nodeName : `${workflow}-${fnv1a32(nodeName)}`;
}

const maxPodPrefix = 253 - 1 - 10;

/** Pod name of version 2: `<workflow>-<template>-<hash>`, or the workflow's name for the root. */
export function podNameOf(workflow: string, nodeName: string, templateName: string): string {
  if (nodeName === workflow) return workflow;
  const prefix = templateName ? `${workflow}-${templateName}` : workflow;
  return `${prefix.slice(0, maxPodPrefix)}-${fnv1a32(nodeName)}`;
}

/** What a node is called within its boundary: the step's or task's name, `[0]` for a step group. */
export function displayNameOf(nodeName: string, boundaryName: string | undefined): string {
  if (boundaryName === undefined || !nodeName.startsWith(boundaryName)) return nodeName;
  const rest = nodeName.slice(boundaryName.length);
  const step = /^\[\d+\]\.(.+)$/s.exec(rest);
  if (step?.[1]) return step[1];
  return rest.startsWith('.') ? rest.slice(1) : rest || nodeName;
}
