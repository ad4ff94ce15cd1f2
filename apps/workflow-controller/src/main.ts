#!/usr/bin/env node
import { connectCluster, KubeconfigError } from '@sluice/kube';
import { runProgram } from '@sluice/runtime';
import { workflowControllerConfig, workflowControllerSettings } from './config.ts';
import { start } from './start.ts';

await runProgram({
  name: 'workflow-controller',
  description: 'runs Argo Workflows',
  settings: workflowControllerSettings,
  isSetupError: (error) => error instanceof KubeconfigError,
  start: async ({ settings, log, closers, env }) => {
    const { kube } = await connectCluster(settings, { env, closers, fieldManager: 'sluice-workflow-controller' });
    const running = await start(workflowControllerConfig(settings), { kube, log });
    closers.add(() => running.close());
  },
});
