import type { EnvironmentSpec, FreezeWindow, JsonObject, Problem, Result } from '@sluice/model';
import { readFreezeWindow } from './freeze-window.ts';
import { SpecReader } from './spec-reader.ts';

/** An Environment spec with its defaults filled in. */
export type EnvironmentPlan = {
  readonly namespace: string;
  /** Merged under every HelmRelease spec. */
  readonly release: JsonObject;
  readonly after: readonly string[];
  readonly waitMs: number;
  readonly freeze: readonly FreezeWindow[];
  readonly approval: boolean;
  readonly preview: boolean;
  /** Present in mode git. `path` has no slash at either end. */
  readonly git?: { readonly repository: string; readonly branch?: string; readonly path: string };
};

/** Read the spec of the Environment of this name; every problem at once. */
export function parseEnvironmentSpec(spec: EnvironmentSpec | undefined, name: string): Result<EnvironmentPlan> {
  const problems: Problem[] = [];
  const reader = new SpecReader(spec as JsonObject | undefined, 'spec', problems);
  const namespace = reader.text('namespace') ?? '';
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
    reader.refuse('namespace', `"${namespace.slice(0, 100)}" is not the name of a namespace`);
  const isGit = reader.choice('mode', ['direct', 'git']) === 'git';
  reader.object('release'); // must be a mapping; what is in it is the HelmRelease's to check
  const after = reader.texts('after');
  if (after.includes(name)) reader.refuse('after', `names the environment itself, "${name}"`);
  const approval = reader.object('approval');
  const preview = reader.boolean('preview') ?? false;
  if (preview && namespace.length > 45)
    reader.refuse('namespace', 'is longer than 45 characters, too long for previews');
  if (preview && isGit) reader.refuse('preview', 'is not for mode git', 'write mode: direct');
  if (preview && after.length > 0) reader.refuse('after', 'is not for previews', 'leave it out');
  const git = readGit(reader, isGit, name);
  const plan: EnvironmentPlan = {
    namespace,
    release: (reader.value('release') ?? {}) as JsonObject,
    after,
    waitMs: reader.durationMs('wait') ?? 0,
    freeze: reader.list('freeze').map(readFreezeWindow),
    approval: reader.has('approval'),
    preview,
    ...(git ? { git } : {}),
  };
  approval.close();
  reader.close();
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: plan };
}

function readGit(reader: SpecReader, isGit: boolean, name: string): EnvironmentPlan['git'] {
  if (!isGit) {
    if (reader.has('git')) reader.refuse('git', 'is only for mode git', 'write mode: git, or leave it out');
    return undefined;
  }
  const git = reader.object('git');
  const repository = git.text('repository') ?? '';
  const branch = git.text('branch');
  const path = (git.text('path') ?? name).replaceAll(/^\/+|\/+$/g, '');
  if (!repository) git.refuse('repository', 'is missing', 'name a Repository of the same namespace');
  if (path === '' || path.split('/').some((part) => part === '' || part === '..' || part === '.' || part === '.git'))
    git.refuse(
      'path',
      `"${path.slice(0, 100)}" is not a folder of a repository`,
      'for example environments/production',
    );
  git.close();
  return { repository, path, ...(branch ? { branch } : {}) };
}
