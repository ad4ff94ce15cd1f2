export { taskPort } from './execute-task.ts';
export type { ExecutorPorts } from './ports.ts';
