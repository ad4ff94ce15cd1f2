import { setTimeout as delay } from 'node:timers/promises';

/** What a stream of requests met. */
export type LoadResult = {
  readonly requests: number;
  readonly failures: readonly string[];
  readonly versions: readonly string[];
};

export type Load = { stop(): Promise<LoadResult> };

const pauseMs = 20;

/** Ask a URL again and again, each time over a new connection, until stopped; records every answer that is not 200. */
export function startLoad(url: string): Load {
  let isStopped = false;
  let requests = 0;
  const failures: string[] = [];
  const versions = new Set<string>();
  const loop = async (): Promise<void> => {
    while (!isStopped) {
      requests++;
      const answer = await askOnce(url);
      if ('version' in answer) versions.add(answer.version);
      else if (failures.length < 20) failures.push(answer.failure);
      await delay(pauseMs);
    }
  };
  const running = loop();
  return {
    stop: async () => {
      isStopped = true;
      await running;
      return { requests, failures, versions: [...versions] };
    },
  };
}

/** One request to the sample service: the version that answered, or why there was none. */
export async function askOnce(url: string): Promise<{ version: string } | { failure: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000), headers: { connection: 'close' } });
    if (!response.ok) return { failure: `HTTP ${response.status}` };
    const { version } = (await response.json()) as { version: string };
    return { version };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    return { failure: cause };
  }
}
