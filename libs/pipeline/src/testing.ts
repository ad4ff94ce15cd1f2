import type { CompileContext } from './compile.ts';
import { parsePipelines } from './parse-pipelines.ts';
import type { Pipeline } from './pipeline.ts';

/** The context of a trusted push of `main`, with changes. */
export function makeContext(changes: Partial<CompileContext> = {}): CompileContext {
  return {
    repository: 'hello',
    repositoryUid: '6f8f5a3e-0000-4000-8000-000000000001',
    namespace: 'default',
    registry: '127.0.0.1:7050',
    cloneUrl: 'http://127.0.0.1:7080/hello.git',
    sha: '1234567890abcdef1234567890abcdef12345678',
    ref: 'refs/heads/main',
    event: 'push',
    triggerKey: 'push:refs/heads/main',
    trust: 'trusted',
    order: 1_700_000_000_000,
    deploys: [],
    ...changes,
  };
}

/** The one pipeline that a text holds; throws when it has problems. */
export function makePipeline(text: string): Pipeline {
  const { pipelines, problems } = parsePipelines([{ path: '.sluice/pipeline.yaml', text }]);
  const [pipeline] = pipelines;
  if (pipeline?.kind !== 'pipeline' || problems.length > 0)
    throw new Error(`the pipeline has problems: ${JSON.stringify(problems)}`);
  return pipeline;
}
