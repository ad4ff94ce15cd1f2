import { createKubeApi, httpTransport, loadKubeconfig, KubeconfigError } from '@sluice/kube';
import { createLog } from '@sluice/runtime';
import { parseConfig } from './config.ts';
import { start } from './start.ts';

const parsed = parseConfig(process.argv.slice(2), process.env);
if (!parsed.ok) {
  for (const problem of parsed.problems) process.stderr.write(`${problem}\n`);
  process.exit(2);
}
const { controller, kubeconfig, context, logLevel } = parsed.value;
const log = createLog({ level: logLevel });
try {
  const access = await loadKubeconfig({
    env: process.env,
    ...(kubeconfig ? { path: kubeconfig } : {}),
    ...(context ? { context } : {}),
  });
  const transport = httpTransport(access);
  const running = await start(controller, { kube: createKubeApi({ transport }), log });
  const stop = (): void => {
    running.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error('shutdown failed', { error });
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
} catch (error) {
  if (!(error instanceof KubeconfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}
