export type { HttpHandler, HttpRequest, HttpResponse } from './http.ts';
export { BodyTooLarge, jsonResponse, readBody } from './http.ts';
export type { HttpServer, HttpServerOptions } from './http-server.ts';
export { ListenError, serveHttp } from './http-server.ts';
export type { Log, LogLevel } from './log.ts';
export { createLog, silentLog } from './log.ts';
export type { Running } from './running.ts';
export { Closers } from './running.ts';
export { Secret } from './secret.ts';
