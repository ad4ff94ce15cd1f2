import type { JsonObject } from '@sluice/model';
import type { ValuesReference } from './release-plan.ts';
import { ValuesError, type ValuesPart } from './release-values.ts';

/** A ConfigMap or a Secret as the API server gives it. */
export type ValuesHolder = {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
};

const maxValuesChars = 4 * 1024 * 1024;

/**
 * The values that a reference takes from its object; undefined when there are none and none are needed. Throws {@link ValuesError}.
 * `parse` reads YAML.
 */
export function readValuesReference(
  reference: ValuesReference,
  namespace: string,
  holder: ValuesHolder | undefined,
  parse: (text: string) => unknown,
): ValuesPart | undefined {
  const text = textOf(reference, namespace, holder);
  if (text === undefined) return undefined;
  if (reference.targetPath) return { kind: 'place', path: reference.targetPath, text, literal: reference.literal };
  try {
    return { kind: 'tree', values: parse(text) as JsonObject };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    // A YAML error quotes the text it failed on, which must not leave a Secret.
    const shown = reference.kind === 'Secret' ? 'it is not a YAML mapping' : why;
    throw new ValuesError(`${reference.kind} ${reference.name}: key "${reference.key}" cannot be read: ${shown}`);
  }
}

function textOf(
  { kind, name, key, optional }: ValuesReference,
  namespace: string,
  holder: ValuesHolder | undefined,
): string | undefined {
  const raw = holder?.data?.[key];
  const encoded = kind === 'Secret' ? (raw ?? holder?.binaryData?.[key]) : holder?.binaryData?.[key];
  const plain = kind === 'Secret' ? undefined : raw;
  if (plain === undefined && encoded === undefined) {
    if (optional) return undefined;
    const what = holder ? `has no key "${key}"` : 'does not exist';
    throw new ValuesError(`${kind} ${namespace}/${name} (spec.valuesFrom) ${what}; make it, or set optional: true`);
  }
  const text = plain ?? decode(encoded ?? '');
  if (text.length > maxValuesChars)
    throw new ValuesError(`${kind} ${namespace}/${name}: key "${key}" is longer than ${maxValuesChars} characters`);
  return text;
}

function decode(base64: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
}
