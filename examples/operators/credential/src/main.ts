import { runOperator } from '@sluice/operator';
import { credentialOperator } from './operator.ts';

/** Stands for the client of your database. */
const accounts = {
  set: async (user: string): Promise<void> => void process.stderr.write(`user ${user} has a password\n`),
  remove: async (user: string): Promise<void> => void process.stderr.write(`user ${user} is removed\n`),
};

await runOperator(credentialOperator(accounts));
