import type { Problem } from '@sluice/model';
import type { Actor } from './git-event.ts';

/** Lenient reading of a payload: a field is there with the right type, or it is a problem or absent. */
export type Fields = {
  text(name: string): string | undefined;
  flag(name: string): boolean;
  /** A number or string id as text. */
  id(name: string): string | undefined;
  object(name: string): Fields | undefined;
  has(name: string): boolean;
};

/** Wrap a JSON value; anything that is not an object has no fields. */
export function fieldsOf(value: unknown): Fields {
  const record = isRecord(value) ? value : {};
  const own = (name: string): unknown => (Object.hasOwn(record, name) ? record[name] : undefined);
  return {
    text(name) {
      const found = own(name);
      return typeof found === 'string' ? found : undefined;
    },
    flag: (name) => own(name) === true,
    id(name) {
      const found = own(name);
      if (typeof found === 'number' && Number.isSafeInteger(found)) return String(found);
      return typeof found === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(found) ? found : undefined;
    },
    object(name) {
      const found = own(name);
      return isRecord(found) ? fieldsOf(found) : undefined;
    },
    has: (name) => own(name) !== undefined && own(name) !== null,
  };
}

/** A user object as an actor; undefined for a deleted user. */
export function actorOf(user: Fields | undefined): Actor | undefined {
  const id = user?.id('id');
  return user && id !== undefined ? { id, login: user.text('login') ?? user.text('name') ?? '' } : undefined;
}

/** A problem with a field of a payload. */
export function fieldProblem(path: string, message: string): Problem {
  return { code: 'BadPayload', severity: 'error', path, message };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
