import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import { type CapturedOutputs, keys, type OutputCapture } from '@sluice/model';
import type { Pod } from '../pod/pod-spec.ts';
import { type ContainerView, resolveInView } from './container-view.ts';

/** The most that is kept of standard output, from its end. */
export const maxResultBytes = 256 * 1024;
/** The most that one output file may hold. */
export const maxParameterBytes = 256 * 1024;
/** The most that all output files of a container may hold. */
export const maxOutputBytes = 1024 * 1024;

/** What is to be captured from this pod, or why its annotation cannot be read. */
export function parseOutputCapture(pod: Pod): { capture?: OutputCapture; problem?: string } {
  const text = pod.metadata.annotations?.[keys.outputs];
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isCapture(value)) return { capture: value };
  } catch {
    // Said below.
  }
  return {
    problem: `annotation ${keys.outputs} is not of the form {"container", "result", "parameters": [{"name", "path"}]}`,
  };
}

/** What a container's run is told of its pod's outputs; what is wrong with them is the matter of the first one. */
export function captureOptions(
  { capture: wanted, problem }: { readonly capture?: OutputCapture; readonly problem?: string },
  container: string,
  first: boolean,
): { readonly capture?: OutputCapture; readonly captureProblem?: string } {
  const capture = wanted && captureFor(wanted, container);
  return { ...(capture ? { capture } : {}), ...(problem && first ? { captureProblem: problem } : {}) };
}

/** What of it concerns one container: its own outputs, or only its log; undefined when nothing does. */
function captureFor(capture: OutputCapture, container: string): OutputCapture | undefined {
  const logs = capture.logs?.filter((log) => log.container === container) ?? [];
  const { logs: _all, ...rest } = capture;
  const own = logs.length > 0 ? { logs } : {};
  if (capture.container === container) return { ...rest, ...own };
  return logs.length > 0 ? { container, ...own } : undefined;
}

function isCapture(value: unknown): value is OutputCapture {
  if (typeof value !== 'object' || value === null || !('container' in value)) return false;
  if (typeof value.container !== 'string') return false;
  const parameters: unknown = 'parameters' in value ? (value.parameters ?? []) : [];
  return (
    hasPlaces(parameters, 'path') &&
    hasPlaces('artifacts' in value ? (value.artifacts ?? []) : [], 'path') &&
    hasPlaces('logs' in value ? (value.logs ?? []) : [], 'container')
  );
}

function hasPlaces(list: unknown, field: 'path' | 'container'): boolean {
  if (!Array.isArray(list)) return false;
  return list.every((item: unknown) => {
    if (typeof item !== 'object' || item === null) return false;
    const { name, [field]: place } = item as Readonly<Record<string, unknown>>;
    return typeof name === 'string' && typeof place === 'string';
  });
}

/** Keeps the last bytes of a stream. */
export class StreamTail {
  readonly #max: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  constructor(max: number) {
    this.#max = max;
  }
  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > 2 * this.#max) this.#trim();
  }
  text(): string {
    return Buffer.from(this.#trim()).toString('utf8');
  }
  #trim(): Uint8Array {
    const all = Buffer.concat(this.#chunks);
    const kept =
      all.length > this.#max ? Buffer.from(all.subarray(startOfCharacter(all, all.length - this.#max))) : all;
    this.#chunks = [kept];
    this.#bytes = kept.length;
    return kept;
  }
}

/** The first byte at or after `at` that begins a UTF-8 character. */
function startOfCharacter(bytes: Uint8Array, at: number): number {
  let from = at;
  while (from < bytes.length && from < at + 4 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++;
  return from;
}

export type CaptureInput = {
  readonly capture: OutputCapture;
  readonly view: ContainerView;
  readonly workingDir: string;
  readonly stdout: StreamTail | undefined;
  /** A container that failed is not also blamed for files that it did not come to write. */
  readonly succeeded: boolean;
};

/** Read what a container that has ended leaves. */
export function captureOutputs({ capture, view, workingDir, stdout, succeeded }: CaptureInput): CapturedOutputs {
  const parameters: Record<string, string> = {};
  const errors: string[] = [];
  let total = 0;
  for (const { name, path, default: fallback } of capture.parameters ?? []) {
    const found = readText(view, posix.resolve(workingDir, path), maxParameterBytes);
    if ('text' in found) {
      parameters[name] = trimNewline(found.text);
      total += Buffer.byteLength(found.text);
    } else if (fallback !== undefined && found.missing) parameters[name] = fallback;
    else if (succeeded) errors.push(`output parameter ${JSON.stringify(name)}: ${path}: ${found.problem}`);
  }
  if (total > maxOutputBytes) errors.push(`output parameters hold ${total} bytes, more than ${maxOutputBytes}`);
  return {
    ...(capture.result ? { result: trimNewline(stdout?.text() ?? '') } : {}),
    ...(capture.parameters && total <= maxOutputBytes ? { parameters } : {}),
    ...(errors.length > 0 ? { error: errors.join('; ') } : {}),
  };
}

type Read = { readonly text: string } | { readonly problem: string; readonly missing: boolean };

/** Read a file of the container, following links only inside it. */
export function readText(view: ContainerView, path: string, maxBytes: number): Read {
  let fd: number | undefined;
  try {
    fd = openSync(resolveInView(view, path), 'r');
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { problem: 'it is not a file', missing: false };
    if (stat.size > maxBytes) return { problem: `it holds ${stat.size} bytes, more than ${maxBytes}`, missing: false };
    const buffer = Buffer.alloc(maxBytes);
    const length = readSync(fd, buffer, 0, maxBytes, 0);
    return { text: buffer.subarray(0, length).toString('utf8') };
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const problem = missing ? 'the file does not exist; let the step write it, or give a default' : `${String(error)}`;
    return { problem, missing };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function trimNewline(text: string): string {
  return text.endsWith('\n') ? text.slice(0, text.endsWith('\r\n') ? -2 : -1) : text;
}
