/** Label and annotation keys that we write. One place, so that a key is spelled once. */
export const keys = Object.freeze({
  /** Name of the Repository that a run belongs to (label). */
  repository: 'sluice.dev/repository',
  /** Name of the pipeline (label). */
  pipeline: 'sluice.dev/pipeline',
  /** Full commit id that a run tests (label). */
  sha: 'sluice.dev/sha',
  /** Kind of event: push, pull_request, manual (label). */
  event: 'sluice.dev/event',
  /** Number of the pull request (label). */
  pullRequest: 'sluice.dev/pull-request',
  /** Name of the environment that a release belongs to (label). */
  environment: 'sluice.dev/environment',
  /** Full git ref, such as refs/heads/main (annotation). */
  ref: 'sluice.dev/ref',
  /** What made the run unique besides repository, commit and pipeline (annotation). */
  triggerKey: 'sluice.dev/trigger-key',
  /** Id of the delivery that started the run (annotation). */
  delivery: 'sluice.dev/delivery',
  /** External id of the check that shows this run, where that is not its uid (annotation). */
  check: 'sluice.dev/check',
  /** trusted or untrusted (annotation). */
  trust: 'sluice.dev/trust',
  /** JSON of what to deploy once the run succeeded (annotation): see DeployRequest in libs/model. */
  deploy: 'sluice.dev/deploy',
  /** JSON description of the outputs that the node captures from a pod (annotation): see OutputCapture. */
  outputs: 'sluice.dev/outputs',
  /** JSON of how the containers of a pod stand to each other (annotation): see ContainerPlan. */
  containers: 'sluice.dev/containers',
  /** JSON of the work that the node does in place of a pod's main process (annotation): see PodTask. */
  task: 'sluice.dev/task',
  /** JSON description of the artifacts that the node brings into a pod (annotation): see PodInputs. */
  inputs: 'sluice.dev/inputs',
  /** Name of the Workflow whose artifacts a release carries (annotation). */
  workflow: 'sluice.dev/workflow',
  /** Number that grows with every handled event; a release is not replaced by a run of a lower order (annotation). */
  order: 'sluice.dev/order',
  /** Name of the HelmRelease that a source was made for (annotation). */
  release: 'sluice.dev/release',
  /** What the forge was last told for good about this object (annotation). */
  reported: 'sluice.dev/reported',
  /** JSON list of who let this run deploy where (annotation): see DeployApproval. */
  approvals: 'sluice.dev/approvals',
  /** The Environment of mode git that an object was applied for (label). */
  appliedFor: 'sluice.dev/applied-for',
  /** JSON of what became of some deploy requests while others still wait (annotation). */
  releasing: 'sluice.dev/releasing',
  /** JSON of what became of the deploy requests of a run (annotation). */
  released: 'sluice.dev/released',
});
