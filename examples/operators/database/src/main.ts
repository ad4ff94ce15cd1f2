import { runOperator } from '@sluice/operator';
import { operator } from './operator.ts';

await runOperator(operator);
