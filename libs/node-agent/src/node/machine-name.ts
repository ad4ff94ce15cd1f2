import { createHash } from 'node:crypto';

/** The name under which the node of a data directory keeps things that all nodes of a machine share. */
export function machineName(directory: string): string {
  return `sluice-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`;
}
