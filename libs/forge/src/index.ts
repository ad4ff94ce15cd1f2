export { createRequestBudget } from './request-budget.ts';
export type { RequestBudget } from './request-budget.ts';
export type { Forge, ForgeActor, GithubForge, Head, LocalForge, Permission } from './forge.ts';
export type { GithubAuth, GithubOptions } from './github-connection.ts';
export { createGithubForge } from './github-forge.ts';
export type { LocalForgeOptions } from './local-forge.ts';
export { createLocalForge } from './local-forge.ts';
