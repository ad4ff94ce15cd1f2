import { helmLines } from './clients/helm-lines.ts';
import { kubectlObjectLines } from './clients/kubectl-object-lines.ts';
import { kubectlPodLines } from './clients/kubectl-pod-lines.ts';
import { kubectlWriteLines } from './clients/kubectl-write-lines.ts';
import { kubectlWorkloadLines } from './clients/kubectl-workload-lines.ts';
import type { CommandLine } from './clients/command-line.ts';
import { clientNodeCases } from './clients/client-node.ts';
import { playLine, type Stage, startStage } from './clients/stage.ts';
import type { Case, Suite } from './suite.ts';

/**
 * The real kubectl, helm and client-node against a local cluster of its own. The lines of a set build upon each other and
 * are played in order; what they expect was written down from how these programs behave against Kubernetes.
 */
export const clientsSuite: Suite = {
  name: 'clients',
  folder: '.',
  load: async () => {
    const stage = await startStage();
    closers.push(() => stage.close());
    const sets: Readonly<Record<string, readonly CommandLine[]>> = {
      'kubectl objects': kubectlObjectLines,
      'kubectl writes': kubectlWriteLines,
      'kubectl workloads': kubectlWorkloadLines,
      'kubectl pods': kubectlPodLines,
      helm: helmLines,
    };
    const lines = Object.entries(sets).flatMap(([set, list]) => list.map((line) => caseOf(set, line, stage)));
    return [...lines, ...clientNodeCases(stage)];
  },
  close: async () => {
    for (const close of closers.splice(0)) await close();
  },
};

const closers: (() => Promise<void>)[] = [];

function caseOf(set: string, line: CommandLine, stage: Stage): Case {
  return { set, id: line.run, play: () => playLine(stage, line) };
}
