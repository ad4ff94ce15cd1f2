export { startNodeAgent } from './agent.ts';
export { RuntimeUnavailable } from './choose-runtime.ts';
export type { NodeAgent, NodeAgentOptions } from './agent-options.ts';
export type { HostTools, RuntimeKind } from './container/runtime.ts';
export type { TaskContext, TaskEnd, TaskPort } from './container/task-run.ts';
export type { ContainerdSupport } from './containerd/containerd-runtime.ts';
export { ctrOf, detectContainerd } from './containerd/containerd-runtime.ts';
export type { SandboxSupport } from './container/sandbox.ts';
export { detectSandbox } from './container/sandbox.ts';
export type {
  ImageConfig,
  ImageLayer,
  ImagePort,
  ImageResolution,
  ResolvedImage,
  StandInImage,
} from './image/image-port.ts';
export { noImages } from './image/image-port.ts';
export type { PodLogOptions } from './pod-logs.ts';
export { PodLogError } from './pod-logs.ts';
export type { PodSessions } from './pod-sessions.ts';
export type { SessionEnd, SessionStreams } from './container/exec-session.ts';
export type { TerminalSize } from './container/terminal.ts';
export type { BackoffConfig } from './pod/restart-backoff.ts';
export type { Delays } from './pod/status-delay.ts';
export type { ServiceProxyOptions } from './proxy/service-proxy.ts';
export { proxyAddressAnnotation, startServiceProxy } from './proxy/service-proxy.ts';
