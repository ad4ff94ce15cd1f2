export { makeTestApp } from './testing/authentication.ts';
export type { TestApp } from './testing/authentication.ts';
export { loadDescription } from './testing/description.ts';
export type { ApiDescription } from './testing/description.ts';
export { startGithubStandIn } from './testing/github-stand-in.ts';
export type { Fault, GithubStandIn, StandInOptions } from './testing/github-stand-in.ts';
export type { SentWebhook } from './testing/scenario.ts';
export type { KeptStatus, TokenForgeStandIn, TokenForgeState } from './testing/token-forges.ts';
export { startTokenForge, tokenForge } from './testing/token-forges.ts';
