import type { CommentRecord, PullRecord, RepoRecord, UserRecord } from './records.ts';
import type { CommitFacts, Signature } from './repository-git.ts';
import { type RefUpdate, zeroId } from './spool.ts';

/** Webhook bodies in GitHub's shapes, so that one normaliser reads both forges. */
export type PayloadContext = {
  /** Base URL of this server, without a trailing slash. */
  readonly publicUrl: string;
  readonly repo: RepoRecord;
  /** Rises with every webhook of the repository, so that equal pushes at different times have different bodies. */
  readonly sequence: number;
};

/** The `push` event of a branch or tag. `commits` are newest first, as git gives them. */
export function buildPushPayload(
  context: PayloadContext,
  update: RefUpdate & { readonly forced: boolean },
  pusher: UserRecord,
  commits: readonly CommitFacts[],
  head: CommitFacts | undefined,
): Record<string, unknown> {
  const { ref, before, after, forced } = update;
  return {
    ref,
    before,
    after,
    created: before === zeroId,
    deleted: after === zeroId,
    forced,
    base_ref: null,
    compare: `${repoUrl(context)}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits: commits.map((commit) => commitPayload(context, commit)).reverse(),
    head_commit: head ? commitPayload(context, head) : null,
    repository: repositoryPayload(context),
    pusher: { name: pusher.login, email: null },
    sender: userPayload(context, pusher),
    sluice: { sequence: context.sequence },
  };
}

/** What happened to a pull request. `before` is the head before a `synchronize`. */
export type PullAction =
  { readonly action: 'opened' | 'closed' | 'reopened' } | { readonly action: 'synchronize'; readonly before: string };

/** The `pull_request` event. */
export function buildPullPayload(
  context: PayloadContext,
  action: PullAction,
  pull: PullRecord,
  sender: UserRecord,
): Record<string, unknown> {
  return {
    ...(action.action === 'synchronize'
      ? { action: action.action, before: action.before, after: pull.headSha }
      : { action: action.action }),
    number: pull.number,
    pull_request: pullPayload(context, pull),
    repository: repositoryPayload(context),
    sender: userPayload(context, sender),
    sluice: { sequence: context.sequence },
  };
}

/** The `issue_comment` event of a comment under a pull request: what readers of commands look at, no more. */
export function buildCommentPayload(
  context: PayloadContext,
  pull: PullRecord,
  comment: CommentRecord,
): Record<string, unknown> {
  const url = `${repoUrl(context)}/pulls/${pull.number}`;
  const user = userPayload(context, comment.author);
  const { createdAt } = comment;
  return {
    action: 'created',
    issue: {
      id: context.repo.id * 1_000_000 + pull.number,
      number: pull.number,
      title: pull.title,
      state: pull.state === 'open' ? 'open' : 'closed',
      user: userPayload(context, pull.author),
      url,
      html_url: url,
      pull_request: { url, html_url: url, diff_url: `${url}.diff`, patch_url: `${url}.patch` },
    },
    comment: {
      id: comment.id,
      body: comment.body,
      user,
      url: `${url}/comments`,
      html_url: `${url}/comments`,
      created_at: createdAt,
      updated_at: createdAt,
    },
    repository: repositoryPayload(context),
    sender: user,
    sluice: { sequence: context.sequence },
  };
}

function pullPayload(context: PayloadContext, pull: PullRecord): Record<string, unknown> {
  const url = `${repoUrl(context)}/pulls/${pull.number}`;
  const links = {
    self: url,
    html: url,
    issue: `${repoUrl(context)}/issues/${pull.number}`,
    comments: `${url}/comments`,
    review_comments: `${url}/reviews`,
    review_comment: `${url}/reviews{/number}`,
    commits: `${url}/commits`,
    statuses: `${repoUrl(context)}/commits/${pull.headSha}/checks`,
  };
  const merged = pull.state === 'merged';
  const user = userPayload(context, pull.author);
  const side = (ref: string, sha: string): Record<string, unknown> => ({
    label: `${owner.login}:${ref}`,
    ref,
    sha,
    user: userPayload(context, owner),
    repo: repositoryPayload(context),
  });
  return {
    id: context.repo.id * 1_000_000 + pull.number,
    node_id: `pull-${context.repo.id}-${pull.number}`,
    number: pull.number,
    state: pull.state === 'open' ? 'open' : 'closed',
    locked: false,
    active_lock_reason: null,
    title: pull.title,
    body: pull.body === '' ? null : pull.body,
    user,
    url,
    html_url: url,
    diff_url: `${url}.diff`,
    patch_url: `${url}.patch`,
    issue_url: links.issue,
    commits_url: links.commits,
    comments_url: links.comments,
    review_comments_url: links.review_comments,
    review_comment_url: links.review_comment,
    statuses_url: links.statuses,
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt ?? null,
    merged_at: merged ? (pull.closedAt ?? null) : null,
    merge_commit_sha: pull.mergeSha ?? null,
    merged,
    merged_by: pull.mergedBy ? userPayload(context, pull.mergedBy) : null,
    mergeable: null,
    mergeable_state: 'unknown',
    rebaseable: null,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    labels: [],
    milestone: null,
    draft: false,
    auto_merge: null,
    author_association: 'OWNER',
    maintainer_can_modify: false,
    comments: 0,
    review_comments: 0,
    commits: 0,
    additions: 0,
    deletions: 0,
    changed_files: 0,
    head: side(pull.topic ?? `refs/pull/${pull.number}/head`, pull.headSha),
    base: side(pull.branch, pull.baseSha),
    _links: Object.fromEntries(Object.entries(links).map(([name, href]) => [name, { href }])),
  };
}

/** All repositories belong to one owner, as the forge has one token. */
const owner: UserRecord = { id: 1, login: 'sluice' };

function repoUrl({ publicUrl, repo }: PayloadContext): string {
  return `${publicUrl}/api/v1/repos/${repo.name}`;
}

function commitPayload(context: PayloadContext, commit: CommitFacts): Record<string, unknown> {
  const { author, committer } = commit;
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: committer.date,
    url: `${repoUrl(context)}/commits/${commit.sha}`,
    author: personPayload(author),
    committer: personPayload(committer),
  };
}

/** git takes anything for an address; GitHub's shape wants a real one or null. */
function personPayload({ name, email, date }: Signature): Record<string, unknown> {
  return { name, email: /^[\w.+-]+@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+$/.test(email) ? email : null, date };
}

const userLinks: Readonly<Record<string, string>> = {
  url: '',
  html_url: '',
  avatar_url: '/avatar',
  events_url: '/events{/privacy}',
  followers_url: '/followers',
  following_url: '/following{/other_user}',
  gists_url: '/gists{/gist_id}',
  organizations_url: '/orgs',
  received_events_url: '/received_events',
  repos_url: '/repos',
  starred_url: '/starred{/owner}{/repo}',
  subscriptions_url: '/subscriptions',
};

function userPayload({ publicUrl }: PayloadContext, user: UserRecord): Record<string, unknown> {
  const base = `${publicUrl}/api/v1/users/${user.login}`;
  const links = Object.entries(userLinks).map(([name, path]) => [name, `${base}${path}`]);
  return {
    login: user.login,
    id: user.id,
    node_id: `user-${user.id}`,
    gravatar_id: '',
    type: 'User',
    site_admin: false,
    ...Object.fromEntries(links),
  };
}

/** Link fields of a repository with the path that follows its URL. */
const repositoryLinks: Readonly<Record<string, string>> = {
  url: '',
  html_url: '',
  archive_url: '/{archive_format}{/ref}',
  assignees_url: '/assignees{/user}',
  blobs_url: '/git/blobs{/sha}',
  branches_url: '/branches{/branch}',
  collaborators_url: '/collaborators{/collaborator}',
  comments_url: '/comments{/number}',
  commits_url: '/commits{/sha}',
  compare_url: '/compare/{base}...{head}',
  contents_url: '/contents/{+path}',
  contributors_url: '/contributors',
  deployments_url: '/deployments',
  downloads_url: '/downloads',
  events_url: '/events',
  forks_url: '/forks',
  git_commits_url: '/git/commits{/sha}',
  git_refs_url: '/git/refs{/sha}',
  git_tags_url: '/git/tags{/sha}',
  hooks_url: '/hooks',
  issue_comment_url: '/issues/comments{/number}',
  issue_events_url: '/issues/events{/number}',
  issues_url: '/issues{/number}',
  keys_url: '/keys{/key_id}',
  labels_url: '/labels{/name}',
  languages_url: '/languages',
  merges_url: '/merges',
  milestones_url: '/milestones{/number}',
  notifications_url: '/notifications{?since,all,participating}',
  pulls_url: '/pulls{/number}',
  releases_url: '/releases{/id}',
  stargazers_url: '/stargazers',
  statuses_url: '/statuses/{sha}',
  subscribers_url: '/subscribers',
  subscription_url: '/subscription',
  svn_url: '',
  tags_url: '/tags',
  teams_url: '/teams',
  trees_url: '/git/trees{/sha}',
};

function repositoryPayload(context: PayloadContext): Record<string, unknown> {
  const { repo, publicUrl } = context;
  const base = repoUrl(context);
  const clone = `${publicUrl}/${repo.name}.git`;
  return {
    id: repo.id,
    node_id: `repository-${repo.id}`,
    name: repo.name,
    full_name: `${owner.login}/${repo.name}`,
    private: false,
    visibility: 'public',
    owner: userPayload(context, owner),
    description: null,
    fork: false,
    ...Object.fromEntries(Object.entries(repositoryLinks).map(([name, path]) => [name, `${base}${path}`])),
    clone_url: clone,
    git_url: clone,
    ssh_url: clone,
    created_at: repo.createdAt,
    updated_at: repo.createdAt,
    pushed_at: repo.createdAt,
    homepage: null,
    language: null,
    license: null,
    mirror_url: null,
    size: 0,
    stargazers_count: 0,
    watchers_count: 0,
    watchers: 0,
    forks_count: 0,
    forks: 0,
    open_issues_count: 0,
    open_issues: 0,
    has_issues: false,
    has_projects: false,
    has_downloads: false,
    has_wiki: false,
    has_pages: false,
    has_discussions: false,
    archived: false,
    disabled: false,
    is_template: false,
    web_commit_signoff_required: false,
    allow_forking: false,
    topics: [],
    default_branch: repo.defaultBranch,
  };
}
