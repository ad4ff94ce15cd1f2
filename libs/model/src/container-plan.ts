/**
 * How the containers of a pod stand to each other; JSON in the annotation `sluice.dev/containers`. Nodes that know it end
 * the pod once its main containers have ended, and start and repeat containers as it says.
 */
export type ContainerPlan = {
  /** The containers that do the work; the others are ended with them. */
  readonly main: readonly string[];
  readonly order?: Readonly<Record<string, ContainerOrder>>;
};

/** When a container starts and how often it is tried. */
export type ContainerOrder = {
  /** Containers that must have ended with 0 before it starts. When one fails, it ends with 64 without having begun. */
  readonly after?: readonly string[];
  /** How often it is started again after a failure. */
  readonly retries?: number;
  readonly retryDelayMs?: number;
};
