export type { DeliveryJob } from '@sluice/events';
export { deliveriesQueue, parseDeliveryJob } from '@sluice/events';
export type { ReceiverConfig, ReceiverPorts, RunningReceiver } from './receiver.ts';
export { start } from './receiver.ts';
