import { BodyTooLarge, type HttpRequest, readBody } from '@sluice/runtime';
import { Refusal } from './forge-context.ts';

const longestBody = 1024 * 1024;

/** The request body as a JSON object; an empty body is an empty object. Throws a {@link Refusal}. */
export async function readJson(request: HttpRequest): Promise<JsonInput> {
  const bytes = await readBody(request.body, longestBody).catch((error: unknown) => {
    if (error instanceof BodyTooLarge) throw new Refusal(413, 'BodyTooLarge', `${error.message}; send less`);
    throw error;
  });
  if (bytes.length === 0) return jsonInput({});
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new Refusal(
      400,
      'BadJson',
      `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (!isObject(value)) throw new Refusal(400, 'BadJson', 'the body must be a JSON object');
  return jsonInput(value);
}

/** Reads fields of a JSON object and refuses, by name, what does not fit. */
export type JsonInput = {
  /** A string of at most `max` characters; undefined when absent. */
  text(field: string, max: number): string | undefined;
  requiredText(field: string, max: number): string;
  /** One of these words. */
  word<T extends string>(field: string, words: readonly T[]): T | undefined;
  object(field: string): JsonInput | undefined;
  /** At most `max` objects. */
  objects(field: string, max: number): readonly JsonInput[] | undefined;
  positive(field: string): number | undefined;
};

function jsonInput(value: Readonly<Record<string, unknown>>, path = ''): JsonInput {
  const refuse = (field: string, what: string): Refusal => new Refusal(422, 'BadField', `${path}${field} ${what}`);
  const text = (field: string, max: number): string | undefined => {
    const found = value[field];
    if (found === undefined || found === null) return undefined;
    if (typeof found !== 'string') throw refuse(field, 'must be a string');
    if (found.length > max) throw refuse(field, `has ${found.length} characters; at most ${max} are kept`);
    return found;
  };
  return {
    text,
    requiredText(field, max) {
      const found = text(field, max);
      if (found === undefined || found === '') throw refuse(field, 'is required');
      return found;
    },
    word(field, words) {
      const found = text(field, 100);
      const known = words.find((word) => word === found);
      if (found !== undefined && known === undefined)
        throw refuse(field, `must be one of ${words.join(', ')}, not ${found}`);
      return known;
    },
    object(field) {
      const found = value[field];
      if (found === undefined || found === null) return undefined;
      if (!isObject(found)) throw refuse(field, 'must be an object');
      return jsonInput(found, `${path}${field}.`);
    },
    objects(field, max) {
      const found = value[field];
      if (found === undefined || found === null) return undefined;
      if (!Array.isArray(found)) throw refuse(field, 'must be a list');
      if (found.length > max) throw refuse(field, `has ${found.length} entries; at most ${max} are kept`);
      return found.map((entry: unknown, index) => {
        if (!isObject(entry)) throw refuse(`${field}[${index}]`, 'must be an object');
        return jsonInput(entry, `${path}${field}[${index}].`);
      });
    },
    positive(field) {
      const found = value[field];
      if (found === undefined || found === null) return undefined;
      if (!Number.isSafeInteger(found) || Number(found) < 1) throw refuse(field, 'must be a positive integer');
      return Number(found);
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
