import type { ApiDescription } from './description.ts';
import type {
  StandInCheckRun,
  StandInDelivery,
  StandInDeployment,
  StandInPull,
  StandInRepository,
  StandInStatus,
} from './state.ts';

type Json = Record<string, unknown>;
const time = '2026-01-01T00:00:00Z';

/** GitHub's view of what the stand-in remembers. Fields without a part in it are the smallest that fit the description. */
export function createRepresentations(api: ApiDescription, baseUrl: () => string) {
  const url = (path: string): string => `${baseUrl()}${path}`;
  const user = (id = 1, login = 'octocat'): Json =>
    api.build('simple-user', { id, login, type: 'User', gravatar_id: '' });
  const repositoryFields = (repository: StandInRepository, id: number): Json => {
    const [owner = '', name = ''] = repository.fullName.split('/');
    return {
      id,
      name,
      full_name: repository.fullName,
      owner: user(1, owner),
      clone_url: repository.cloneUrl,
      git_url: repository.cloneUrl,
      default_branch: repository.defaultBranch,
      url: url(`/repos/${repository.fullName}`),
    };
  };
  const repository = (schema: string, source: StandInRepository, id = source.id): Json =>
    api.build(schema, repositoryFields(source, id));
  const side = (schema: string, source: StandInRepository, ref: string, sha: string, id: number | undefined): Json => ({
    label: `${source.fullName.split('/')[0]}:${ref}`,
    ref,
    sha,
    user: user(),
    repo: id === undefined ? null : repository(schema, source, id),
  });
  const pull = (schema: string, repositorySchema: string, source: StandInRepository, pullRequest: StandInPull): Json =>
    api.build(schema, {
      id: source.id * 1_000 + pullRequest.number,
      number: pullRequest.number,
      title: pullRequest.title,
      state: pullRequest.state,
      draft: pullRequest.draft,
      merged: pullRequest.merged,
      user: user(2, 'contributor'),
      head: side(repositorySchema, source, pullRequest.headRef, pullRequest.headSha, pullRequest.headRepositoryId),
      base: side(repositorySchema, source, pullRequest.baseRef, pullRequest.baseSha, source.id),
    });
  return {
    user,
    repositoryFields: (source: StandInRepository): Json => repositoryFields(source, source.id),
    repository,
    pull,
    permission: (login: string, { id, permission }: { id: number; permission: string }): Json =>
      api.build('repository-collaborator-permission', {
        permission,
        role_name: permission,
        user: api.build('collaborator', { id, login, type: 'User' }),
      }),
    deliveryItem: (delivery: StandInDelivery): Json => api.build('hook-delivery-item', deliveryFields(delivery)),
    delivery: (delivery: StandInDelivery): Json =>
      api.build('hook-delivery', {
        ...deliveryFields(delivery),
        request: { headers: {}, payload: JSON.parse(delivery.body) as unknown },
        response: { headers: {}, payload: '' },
      }),
    ref: (ref: string, sha: string, type: string): Json =>
      api.build('git-ref', { ref, object: { type, sha, url: url(`/git/${type}/${sha}`) } }),
    tag: (sha: string, commit: string): Json =>
      api.build('git-tag', { sha, object: { sha: commit, type: 'commit', url: url(`/git/commits/${commit}`) } }),
    installation: (id: number, appId: number): Json =>
      api.build('installation', { id, app_id: appId, account: user() }),
    checkRun: (run: StandInCheckRun): Json =>
      api.build('check-run', {
        id: run.id,
        head_sha: run.headSha,
        name: run.name,
        external_id: run.externalId,
        status: run.status,
        conclusion: run.conclusion,
        started_at: run.startedAt,
        completed_at: run.completedAt,
        details_url: run.detailsUrl,
        output: {
          title: run.title,
          summary: run.summary,
          text: run.text,
          annotations_count: run.annotations.length,
          annotations_url: url(`/check-runs/${run.id}/annotations`),
        },
        pull_requests: [],
      }),
    status: ({ id, state, context, description, targetUrl }: StandInStatus): Json =>
      api.build('status', { id, state, context, description, target_url: targetUrl, creator: user() }),
    deployment: ({ id, sha, ref, environment, payload, description }: StandInDeployment): Json =>
      api.build('deployment', { id, sha, ref, environment, payload, description, creator: user(), task: 'deploy' }),
    deploymentStatus: ({ id, state, description }: { id: number; state: string; description: string }): Json =>
      api.build('deployment-status', { id, state, description, creator: user(), created_at: time }),
  };
}

function deliveryFields({ body, ...delivery }: StandInDelivery): Json {
  const { action = null } = JSON.parse(body) as { readonly action?: string };
  const status = delivery.statusCode < 300 ? 'OK' : 'failed to connect to host';
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: delivery.deliveredAt,
    redelivery: delivery.redelivery,
    duration: 0.1,
    status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action,
    installation_id: 99,
    repository_id: delivery.repositoryId,
  };
}

export type Representations = ReturnType<typeof createRepresentations>;
