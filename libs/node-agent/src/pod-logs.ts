import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectKey } from '@sluice/model';
import { previousPath } from './log/container-log.ts';
import { closedLog, readLog, type ReadLogOptions } from './log/read-log.ts';
import { allContainers } from './pod/pod-spec.ts';
import { containerState } from './pod/pod-state.ts';
import type { PodWorker } from './pod/pod-worker.ts';

/** What may be asked of the log of a pod. */
export type PodLogOptions = ReadLogOptions & {
  readonly container?: string;
  readonly previous?: boolean;
  readonly sinceSeconds?: number;
};

/** A log that cannot be had. `code`, `reason` and `message` are those of the Kubernetes Status. */
export class PodLogError extends Error {
  override readonly name = 'PodLogError';
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

/** The log of one container. Throws {@link PodLogError} before the first chunk when there is none to be had. */
export async function* readPodLog(
  worker: PodWorker | undefined,
  key: ObjectKey,
  options: PodLogOptions,
  now: () => number,
): AsyncGenerator<Uint8Array> {
  if (!worker) throw new PodLogError(404, 'NotFound', `pods "${key.name}" not found`);
  const container = chooseContainer(worker, key, options.container);
  const path = join(worker.directory, 'logs', `${container}.log`);
  const { sinceSeconds, ...rest } = options;
  const since = sinceSeconds === undefined ? {} : { sinceTime: new Date(now() - sinceSeconds * 1000).toISOString() };
  if (options.previous) {
    const previous = previousPath(path);
    if (!existsSync(previous)) {
      const message = `previous terminated container "${container}" in pod "${key.name}" not found`;
      throw new PodLogError(400, 'BadRequest', message);
    }
    yield* readLog(closedLog(previous), { ...rest, ...since });
    return;
  }
  const live = worker.liveLog(container);
  if (!live && !existsSync(path)) throw waiting(worker, key, container);
  yield* readLog(live ?? closedLog(path), { ...rest, ...since });
}

function chooseContainer(worker: PodWorker, key: ObjectKey, wanted: string | undefined): string {
  const spec = worker.pod.spec ?? { containers: [] };
  const names = allContainers(spec).map(({ name }) => name);
  if (wanted !== undefined && wanted !== '') {
    if (names.includes(wanted)) return wanted;
    throw new PodLogError(400, 'BadRequest', `container ${wanted} is not valid for pod ${key.name}`);
  }
  const [only, second] = spec.containers;
  if (only && !second) return only.name;
  const init = (spec.initContainers ?? []).map(({ name }) => name);
  const main = spec.containers.map(({ name }) => name);
  const more = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : '';
  const message = `a container name must be specified for pod ${key.name}, choose one of: [${main.join(' ')}]${more}`;
  throw new PodLogError(400, 'BadRequest', message);
}

function waiting(worker: PodWorker, key: ObjectKey, container: string): PodLogError {
  const own = containerState(worker.state, container);
  const statuses = worker.pod.status?.containerStatuses ?? [];
  const shown = statuses.find(({ name }) => name === container)?.state.waiting?.reason;
  if (own.phase === 'exited' || worker.pod.status?.phase === 'Failed') {
    return new PodLogError(
      404,
      'NotFound',
      `the log of container "${container}" in pod "${key.name}" is not there any more`,
    );
  }
  const reason = own.waiting?.reason ?? shown ?? 'ContainerCreating';
  const message = `container "${container}" in pod "${key.name}" is waiting to start: ${reason}`;
  return new PodLogError(400, 'BadRequest', message);
}
