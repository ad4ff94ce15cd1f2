import { playScenario } from './scenarios/play.ts';
import { readScenarios } from './scenarios/scenario.ts';
import type { Suite } from './suite.ts';

/** Workflows played through their lives by the real controller pass, with faked pods and a fake clock. */
export const scenariosSuite: Suite = {
  name: 'scenarios',
  folder: 'scenarios/argo',
  load: async (directory) =>
    readScenarios(directory).map((scenario) => ({
      set: scenario.features[0] ?? 'other',
      id: scenario.name,
      play: async () => {
        const { problems } = await playScenario(scenario);
        if (problems.length === 0) return { result: 'passed' };
        return { result: 'failed', wanted: scenario.features.join(', '), got: problems.join('; ') };
      },
    })),
};
