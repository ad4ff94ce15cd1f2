import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { playCrd } from './k8s/crd-player.ts';
import { goldenCases } from './k8s/golden-player.ts';
import { playPatch } from './k8s/patch-player.ts';
import { playQuantity } from './k8s/quantity-player.ts';
import { playSelector } from './k8s/selector-player.ts';
import { playNames } from './k8s/names-player.ts';
import { playApply } from './k8s/apply-player.ts';
import { playTyped } from './k8s/typed-player.ts';
import { playSmp } from './k8s/smp-player.ts';
import { type Player, readVectors, type Vector } from './k8s/vector.ts';
import type { Case, Suite } from './suite.ts';

/** Who plays a file, by its name without folder and extension. */
const players: Readonly<Record<string, Player>> = {
  smp: playSmp,
  ssa: playApply,
  'ssa-builtin': playApply,
  typed: playTyped,
  'json-patch': playPatch,
  'merge-patch': playPatch,
  'label-selector': playSelector,
  'field-selector': playSelector,
  quantity: playQuantity,
  names: playNames,
  'object-meta': playNames,
  'int-or-percent': playNames,
  'crd-schema': playCrd,
  'crd-validate': playCrd,
  'crd-definition': playCrd,
  'crd-cel': playCrd,
};

/** The Kubernetes vectors: patches, selectors, quantities, names, custom resource schemas, protobuf. */
export const k8sSuite: Suite = {
  name: 'k8s',
  folder: 'k8s',
  load: async (directory) => {
    const files = await readdir(directory, { recursive: true });
    const shared = {
      smp: await readJson(join(directory, 'smp-schemas.json')),
      ssa: await readJson(join(directory, 'ssa-schemas.json')),
    };
    const cases: Case[] = [];
    for (const file of files.toSorted()) {
      if (file.endsWith('.pb')) cases.push(...(await goldenCases(join(directory, file))));
      const player = file.endsWith('.jsonl') ? players[basename(file, '.jsonl')] : undefined;
      if (!player) continue;
      const set = relative(directory, join(directory, file)).replace(/\.jsonl$/u, '');
      const vectors = readVectors(await readFile(join(directory, file), 'utf8'));
      cases.push(...vectors.map((vector: Vector) => ({ set, id: vector.id, play: () => player(vector, shared) })));
    }
    return cases;
  },
};

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
}
