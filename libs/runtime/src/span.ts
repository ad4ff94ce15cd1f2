/** Values of a span's attributes. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/**
 * Port to a tracing library. `span` runs `work` inside a span of this name and ends it when the promise settles, marking
 * it failed when that rejects. `createTracer` sends them to OpenTelemetry; without it nothing is recorded.
 */
export type Tracer = {
  span<T>(name: string, attributes: SpanAttributes, work: () => Promise<T>): Promise<T>;
};

/** A tracer that only runs the work. */
export const noTracer: Tracer = { span: (_name, _attributes, work) => work() };
