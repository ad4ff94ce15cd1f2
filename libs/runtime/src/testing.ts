export { ProgramProcess } from './program-process.ts';
