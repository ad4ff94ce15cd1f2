#!/usr/bin/env node
import { connectCluster, KubeconfigError } from '@sluice/kube';
import { startElected } from '@sluice/reconcile';
import { reportingOf, runProgram } from '@sluice/runtime';
import { workflowControllerConfig, workflowControllerSettings } from './config.ts';
import { start } from './start.ts';

await runProgram({
  name: 'workflow-controller',
  description: 'runs Argo Workflows',
  settings: workflowControllerSettings,
  isSetupError: (error) => error instanceof KubeconfigError,
  start: async ({ settings, env, ...parts }) => {
    const fieldManager = 'sluice-workflow-controller';
    const { kube } = await connectCluster(settings, { ...parts, env, fieldManager });
    const config = workflowControllerConfig(settings);
    const { log } = parts;
    await startElected(settings, {
      ...parts,
      kube,
      start: (fenced) => start(config, { kube: fenced, log, ...reportingOf(parts) }),
    });
  },
});
