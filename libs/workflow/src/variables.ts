import {
  argoEnvironment,
  type Environment,
  replaceTags,
  type ReplaceOptions,
  type SprigHost,
  type TemplateVariables,
} from '@sluice/expr';
import type { Artifact } from './workflow-types.ts';

/** Some variables. `lookUp` gives null for an output that is absent, undefined for a name that it does not know. */
export type VariableLayer = {
  lookUp(name: string): string | null | undefined;
  entries(): Iterable<readonly [string, string | null]>;
  artifact?(name: string): Artifact | null | undefined;
  /** Time and lots for expressions. */
  readonly host?: SprigHost;
  /** Names that `artifact` knows. */
  artifactNames?(): Iterable<string>;
};

/** Several layers as one; an earlier layer hides a later one. */
export type Variables = TemplateVariables & {
  artifact(name: string): Artifact | null | undefined;
  /** The environment with every artifact as a value of its own: its name as `artifact` takes it, null for an absent one. */
  artifactEnvironment(): Environment;
};

/** Join layers, the nearest first. */
export function joinLayers(...layers: readonly VariableLayer[]): Variables {
  let environment: Environment | undefined;
  return {
    lookUp(name) {
      for (const layer of layers) {
        const value = layer.lookUp(name);
        if (value !== undefined) return value;
      }
      return undefined;
    },
    environment() {
      environment ??= argoEnvironment(
        layers.toReversed().flatMap((layer) => [...layer.entries()]),
        layers.find(({ host }) => host)?.host,
      );
      return environment;
    },
    artifactEnvironment() {
      const entries = layers.toReversed().flatMap((layer) => {
        const names = [...(layer.artifactNames?.() ?? [])];
        const artifacts = names.map((name) => [name, layer.artifact?.(name) ? name : null] as const);
        return [...layer.entries(), ...artifacts];
      });
      return argoEnvironment(entries, layers.find(({ host }) => host)?.host);
    },
    artifact(name) {
      for (const layer of layers) {
        const found = layer.artifact?.(name);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

/** A layer over a map. */
export function mapLayer(map: ReadonlyMap<string, string | null>): VariableLayer {
  return { lookUp: (name) => map.get(name), entries: () => map };
}

const texts = new WeakMap<object, string>();

/** The JSON text of a value; remembered, since specs are read many times and never change. */
export function jsonTextOf(value: object): string {
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = JSON.stringify(value);
  texts.set(value, text);
  return text;
}

/** The value with its tags replaced, or why not. */
export type Substituted<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly missing: boolean };

/** Replace the tags in a JSON value. The value itself comes back when there are none. */
export function substitute<T extends object>(
  value: T,
  variables: TemplateVariables,
  options: ReplaceOptions,
): Substituted<T> {
  const text = jsonTextOf(value);
  if (!text.includes('{{')) return { ok: true, value };
  const replaced = replaceTags(text, variables, options);
  if (!replaced.ok) return replaced;
  if (replaced.text === text) return { ok: true, value };
  return { ok: true, value: JSON.parse(replaced.text) };
}
