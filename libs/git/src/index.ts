export type { Git } from './find-git.ts';
export { findGit, oldestGit } from './find-git.ts';
export type { NewCommit, PushTarget } from './push-commit.ts';
export type { Credentials, CredentialsSource, Mirror, Mirrors, MirrorsOptions, Remote } from './mirrors.ts';
export { createMirrors } from './mirrors.ts';
export type { ChangedPaths, TreeFile } from './read-objects.ts';
export { treeCaps } from './read-objects.ts';
export type { CheckedRemote, RemotePolicy, Resolve } from './remote-address.ts';
export { checkRemote } from './remote-address.ts';
