import { parentPort, workerData } from 'node:worker_threads';
import { compile } from '@michaelhomer/jqjs';

const { filter, input } = workerData as { readonly filter: string; readonly input: unknown };
const maxResults = 10_000;
const results: unknown[] = [];
for (const result of compile(filter)(input)) {
  results.push(result);
  if (results.length > maxResults) throw new Error(`the filter gives more than ${maxResults} results`);
}
parentPort?.postMessage(results);
