export { clusterAccess } from './cluster-access.ts';
export type { HelmOperatorConfig } from './config.ts';
export { defaultConfig } from './config.ts';
export type { HelmOperatorPorts } from './ports.ts';
export { start } from './start.ts';
