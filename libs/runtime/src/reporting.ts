import type { Metrics } from './metrics.ts';
import type { Tracer } from './span.ts';

/** Where a part of a program reports what it does; nowhere by default. */
export type Reporting = { readonly metrics?: Metrics; readonly tracer?: Tracer };

/** The reporting among other parts. */
export function reportingOf({ metrics, tracer }: Reporting): Reporting {
  return { ...(metrics && { metrics }), ...(tracer && { tracer }) };
}
