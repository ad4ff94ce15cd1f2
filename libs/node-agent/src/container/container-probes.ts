import type { Container, Handler, Probe } from '../pod/pod-spec.ts';
import { type Outcome, probeHttp, probeTcp } from './http-probe.ts';
import { ProbeRunner } from './probe-runner.ts';

export type ContainerProbesOptions = {
  readonly container: Container;
  readonly podIp: string;
  readonly now: () => number;
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<Outcome>;
  readonly onChange: (change: { readonly started?: boolean; readonly ready?: boolean }) => void;
  /** A startup or liveness probe has failed for good: the container is to be restarted. */
  readonly onUnhealthy: (message: string) => void;
  /** One attempt failed (for an event). */
  readonly onFailure: (message: string) => void;
};

/** The probes of one run of a container. Liveness and readiness wait for the startup probe. */
export class ContainerProbes {
  readonly #options: ContainerProbesOptions;
  #runners: ProbeRunner[] = [];
  #closed = false;

  constructor(options: ContainerProbesOptions) {
    this.#options = options;
    const { startupProbe } = options.container;
    if (!startupProbe) {
      this.#onStarted();
      return;
    }
    const runner = this.#run('Startup', startupProbe, (good, message) => {
      if (good) {
        runner.close();
        this.#onStarted();
      } else options.onUnhealthy(`startup probe failed: ${message}`);
    });
  }

  close(): void {
    this.#closed = true;
    for (const runner of this.#runners) runner.close();
    this.#runners = [];
  }

  #onStarted(): void {
    if (this.#closed) return;
    const { container, onChange, onUnhealthy } = this.#options;
    onChange({ started: true, ready: container.readinessProbe === undefined });
    if (container.readinessProbe) this.#run('Readiness', container.readinessProbe, (ready) => onChange({ ready }));
    if (container.livenessProbe) {
      this.#run('Liveness', container.livenessProbe, (good, message) => {
        if (!good) onUnhealthy(`liveness probe failed: ${message}`);
      });
    }
  }

  #run(name: string, probe: Probe, onVerdict: (verdict: boolean, message: string) => void): ProbeRunner {
    const { now, onFailure } = this.#options;
    const runner = new ProbeRunner({
      probe,
      now,
      onVerdict,
      onFailure: (message) => onFailure(`${name} probe failed: ${message}`),
      perform: (timeoutMs) => runHandler(probe, timeoutMs, this.#options),
    });
    this.#runners.push(runner);
    return runner;
  }
}

type HandlerPorts = Pick<ContainerProbesOptions, 'container' | 'podIp' | 'exec'>;

/** Run a probe or a lifecycle hook once. */
export async function runHandler(handler: Handler, timeoutMs: number, ports: HandlerPorts): Promise<Outcome> {
  const { container, podIp, exec } = ports;
  if (handler.httpGet) return probeHttp(handler.httpGet, container, podIp, timeoutMs);
  if (handler.tcpSocket) return probeTcp(handler.tcpSocket, container, podIp, timeoutMs);
  if (handler.exec) return exec(handler.exec.command ?? [], timeoutMs);
  if (handler.sleep) {
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, Math.min(timeoutMs, handler.sleep.seconds * 1000));
    await promise;
    return { ok: true, message: '' };
  }
  return { ok: false, message: 'it names no action that this node offers (exec, httpGet, tcpSocket)' };
}
