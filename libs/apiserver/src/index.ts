export type { PodLogOptions, PodLogs } from './rest/pod-streams.ts';
export type { PodUsage, ResourceUsage, UsageReader } from './rest/usage.ts';
export type { AuditSink } from './server/audit.ts';
export type { ApiServer, ApiServerOptions } from './server/api-server.ts';
export { startApiServer } from './server/api-server.ts';
export type { PodSessions, SessionEnd, SessionStreams, TerminalSize } from './streams/pod-sessions.ts';
