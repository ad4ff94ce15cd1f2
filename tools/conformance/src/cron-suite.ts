import { readCronCases } from './cron/cron-case.ts';
import { playCron } from './cron/play-cron.ts';
import type { Suite } from './suite.ts';

/** CronWorkflows on a fake clock: when schedules are due, what is made up, what the policies decide. */
export const cronSuite: Suite = {
  name: 'cron',
  folder: 'cron',
  load: async (directory) =>
    readCronCases(directory).map((one) => ({
      set: one.features[0] ?? 'other',
      id: one.name,
      play: () => playCron(one),
    })),
};
