import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@sluice/source', 'node', 'default'] },
  ssr: { resolve: { conditions: ['@sluice/source', 'node', 'default'] } },
  test: {
    include: ['{libs,apps,tools}/*/{src,test}/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=@sluice/source'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    restoreMocks: true,
  },
});
