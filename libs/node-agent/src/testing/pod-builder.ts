import type { Container, Pod, PodSpec, Volume } from '../pod/pod-spec.ts';

let serial = 0;

/** Builds pods for tests. */
export class PodBuilder {
  readonly #pod: Pod;
  constructor(pod: Pod) {
    this.#pod = pod;
  }

  /** Add a container that runs a shell script. */
  sh(script: string, container: Partial<Container> = {}): PodBuilder {
    const { containers } = this.#spec();
    const name = containers.length === 0 ? 'main' : `c${containers.length}`;
    const added: Container = { name, image: 'busybox', command: ['sh', '-c', script], ...container };
    return this.spec({ containers: [...containers, added] });
  }

  /** Add an init container that runs a shell script. */
  init(script: string, container: Partial<Container> = {}): PodBuilder {
    const { initContainers = [] } = this.#spec();
    const added: Container = {
      name: `init${initContainers.length}`,
      image: 'busybox',
      command: ['sh', '-c', script],
      ...container,
    };
    return this.spec({ initContainers: [...initContainers, added] });
  }

  volume(volume: Volume): PodBuilder {
    return this.spec({ volumes: [...(this.#spec().volumes ?? []), volume] });
  }

  spec(change: Partial<PodSpec>): PodBuilder {
    return new PodBuilder({ ...this.#pod, spec: { ...this.#spec(), ...change } });
  }

  labels(labels: Record<string, string>): PodBuilder {
    return new PodBuilder({ ...this.#pod, metadata: { ...this.#pod.metadata, labels } });
  }

  annotations(annotations: Record<string, string>): PodBuilder {
    return new PodBuilder({ ...this.#pod, metadata: { ...this.#pod.metadata, annotations } });
  }

  build(): Pod {
    return this.#pod;
  }

  #spec(): PodSpec {
    return this.#pod.spec ?? { containers: [] };
  }
}

/** A pod of restartPolicy Never on the node `local`, without containers. Each has a uid of its own. */
export function makePod(name = 'pod'): PodBuilder {
  const uid = `uid-${name}-${++serial}`;
  return new PodBuilder({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid },
    spec: { nodeName: 'local', restartPolicy: 'Never', terminationGracePeriodSeconds: 5, containers: [] },
  });
}
