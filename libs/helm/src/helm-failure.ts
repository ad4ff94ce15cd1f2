/** Why helm failed, as far as its words tell: it has one exit code for everything. */
export type HelmFailureKind =
  | 'Cancelled'
  | 'Conflict'
  | 'HookFailed'
  | 'Invalid'
  | 'Locked'
  | 'NameInUse'
  | 'NoDeployedRelease'
  | 'NotFound'
  | 'NotReady'
  | 'Ownership'
  | 'Rejected'
  | 'RenderFailed'
  | 'StorageFull'
  | 'TestFailed'
  | 'Unreachable'
  | 'Other';

export type HelmFailure = {
  readonly kind: HelmFailureKind;
  /** One or a few lines for people, without helm's prefixes. */
  readonly message: string;
  /** The end of what helm wrote, at most 4,000 characters. */
  readonly log: string;
};

/** The order matters: the first pattern that is found wins. */
const patterns: readonly (readonly [HelmFailureKind, RegExp])[] = [
  ['Locked', /another operation \(install\/upgrade\/rollback\) is in progress/],
  ['NameInUse', /cannot re-?use a name that is still in use/],
  ['NoDeployedRelease', /has no deployed releases/],
  ['NotFound', /release: not found|release has no \d+ version|release name is invalid/],
  ['Ownership', /exists and cannot be imported into the current release/],
  ['StorageFull', /data: Too long: (?:must|may)/i],
  ['Unreachable', /cluster reachability check failed|connection refused|Kubernetes cluster unreachable|no such host/],
  ['Cancelled', /has been cancell?ed|context canceled/],
  ['HookFailed', /(?:pre|post)-(?:install|upgrade|rollback|delete)(?: hooks?)? failed|hook .* failed/i],
  ['TestFailed', /(?:pod|job) .* failed|test suite .* failed/i],
  ['NotReady', /not ready\. status|context deadline exceeded|timed out waiting/],
  ['Conflict', /conflict occurred while applying object|Apply failed with \d+ conflict/],
  ['RenderFailed', /execution error at|error calling|parse error|template: |YAML parse error|error converting YAML/],
  [
    'Invalid',
    /values don't meet the specifications of the schema|unable to build kubernetes objects|error validating data/,
  ],
  ['Rejected', /is forbidden|is invalid|admission webhook|denied the request|Unsupported value/],
];

/** Name the failure by what helm wrote to standard error. */
export function classifyFailure(stderr: string): HelmFailure {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const start = lines.findIndex((line) => line.startsWith('Error: '));
  const told = (start < 0 ? lines.slice(-3) : lines.slice(start)).join('\n').replace(/^Error: /, '');
  const message = (told || 'helm failed without a word').slice(0, 2_000);
  const kind = patterns.find(([, pattern]) => pattern.test(message))?.[0] ?? 'Other';
  return { kind, message, log: lines.join('\n').slice(-4_000) };
}
