export { runDemo } from './demo/run-demo.ts';
export { chooseView } from './demo/view.ts';
export { startLocal } from './local.ts';
