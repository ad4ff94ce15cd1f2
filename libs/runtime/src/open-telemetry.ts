import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context } from '@opentelemetry/api';
import type { Tracer } from './span.ts';

export type TracerOptions = {
  /** Base address of a collector that takes OTLP over HTTP: `http://127.0.0.1:4318`. */
  readonly endpoint: string;
  /** Names the program in every span. */
  readonly serviceName: string;
};

/** A tracer that sends what it records. */
export type ExportingTracer = Tracer & {
  /** Send what is left, for ten seconds at most, and stop. */
  close(): Promise<void>;
};

const sendLimitMs = 10_000;

/**
 * Spans to an OpenTelemetry collector, in batches and in the background; those that cannot be sent are dropped. The library
 * is loaded here and not before.
 */
export async function createTracer({ endpoint, serviceName }: TracerOptions): Promise<ExportingTracer> {
  const [api, { BatchSpanProcessor, TracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: sendLimitMs });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('sluice');
  const contexts = new AsyncLocalStorage<Context>();
  return {
    async span(name, attributes, work) {
      const parent = contexts.getStore() ?? api.ROOT_CONTEXT;
      const span = tracer.startSpan(name, { attributes: { ...attributes } }, parent);
      try {
        return await contexts.run(api.trace.setSpan(parent, span), work);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        span.recordException(error instanceof Error ? error : message);
        span.setStatus({ code: api.SpanStatusCode.ERROR, message });
        throw error;
      } finally {
        span.end();
      }
    },
    close: () => provider.shutdown(),
  };
}
