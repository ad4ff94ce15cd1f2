export type { ControllerManagerOptions } from './controller-manager.ts';
export { startControllerManager } from './controller-manager.ts';
