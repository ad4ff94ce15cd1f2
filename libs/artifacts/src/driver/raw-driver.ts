import { writeFile } from 'node:fs/promises';
import type { Driver } from './driver.ts';

/** The content stands in the workflow itself. */
export const rawDriver: Driver = {
  async load(settings, target) {
    const { data } = settings;
    await writeFile(target, typeof data === 'string' ? data : '', { flag: 'wx', mode: 0o644 });
  },
};
