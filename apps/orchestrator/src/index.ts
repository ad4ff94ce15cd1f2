export { connectMirrors, createForges } from './adapters.ts';
export type { MirrorOptions } from './adapters.ts';
export type { OrchestratorConfig } from './config.ts';
export { orchestratorDefaults } from './config.ts';
export type { DeliveryJob } from '@sluice/events';
export { deliveriesQueue, parseDeliveryJob } from '@sluice/events';
export type { DeliveryQueue, Forge, ForgeCredentials, Head, Mirror, OrchestratorPorts } from './ports.ts';
export { start } from './start.ts';
