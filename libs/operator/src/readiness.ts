import type { Condition } from '@sluice/model';

/** The condition `Ready` without its times. `reason` is one stable UpperCamelCase word, `message` is for people. */
export type Readiness = Pick<Condition, 'status' | 'reason' | 'message'>;

/** Everything is as the spec says. */
export function ready(reason: string, message: string): Readiness {
  return { status: 'True', reason, message };
}

/** Something is wrong, or not yet right. */
export function notReady(reason: string, message: string): Readiness {
  return { status: 'False', reason, message };
}
