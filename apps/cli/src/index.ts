export { explainFailure } from './connect.ts';
export { exitCodeMeanings } from './exit-code.ts';
export type { Io } from './io.ts';
export { processIo } from './io.ts';
export { buildProgram } from './program.ts';
