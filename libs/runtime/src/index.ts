export type { HttpHandler, HttpRequest, HttpResponse } from './http.ts';
export { BodyTooLarge, jsonResponse, readBody } from './http.ts';
export type { HttpServer, HttpServerOptions } from './http-server.ts';
export { ListenError, serveHttp } from './http-server.ts';
export type { Log, LogLevel } from './log.ts';
export { createLog, silentLog } from './log.ts';
export type { ControllerMetrics, Metrics, MetricsRegistry, QueueReading, ReconcileResultLabel } from './metrics.ts';
export { createMetrics } from './metrics.ts';
export type { ExportingTracer, TracerOptions } from './open-telemetry.ts';
export { createTracer } from './open-telemetry.ts';
export type { CommandOptions, CommandOutput } from './run-command.ts';
export { CommandStopped, runCommand } from './run-command.ts';
export type { Program, ProgramParts } from './program.ts';
export { runProgram } from './program.ts';
export type { Reporting } from './reporting.ts';
export { reportingOf } from './reporting.ts';
export type { Running } from './running.ts';
export { Closers } from './running.ts';
export { Secret } from './secret.ts';
export type { Setting, Settings, SettingValues } from './settings.ts';
export {
  addressSetting,
  choiceSetting,
  integerSetting,
  listSetting,
  readSettings,
  requiredSetting,
  settingsUsage,
  switchSetting,
  textSetting,
} from './settings.ts';
export type { SpanAttributes, Tracer } from './span.ts';
export { noTracer } from './span.ts';
