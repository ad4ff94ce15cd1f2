import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Pod, Volume } from '../pod/pod-spec.ts';
import { writeAtomically } from './atomic-directory.ts';
import { preparePodVolumes, type VolumePorts, type VolumeSource } from './pod-volumes.ts';
import { hasContent, type TokenRequest, volumeContent, type VolumeContent } from './volume-content.ts';

/** A token that is renewed when four fifths of its life are over, and at least once a day. */
type KeptToken = { readonly token: string; readonly renewAt: number };

const dayMs = 24 * 60 * 60_000;
const retryMs = 60_000;
const maxTimerMs = 2 ** 31 - 1;

export type LiveVolumesOptions = {
  readonly ports: VolumePorts;
  readonly now: () => number;
  /** What is there could not be brought up to date; it stays as it was. */
  readonly onProblem: (error: unknown) => void;
};

/** The volumes of one pod. Those that the API fills follow what they are made of, and their tokens never run out. */
export class LiveVolumes {
  readonly #options: LiveVolumesOptions;
  readonly #tokens = new Map<string, KeptToken>();
  readonly #written = new Map<string, string>();
  #pod: Pod;
  #version = 0;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #isWaiting = false;
  #prepared = false;
  #closed = false;

  constructor(pod: Pod, options: LiveVolumesOptions) {
    this.#pod = pod;
    this.#options = options;
  }

  /** Make all of them. Throws {@link ConfigError}; doing it again is fine. */
  async prepare(): Promise<ReadonlyMap<string, VolumeSource>> {
    const sources = await preparePodVolumes(this.#pod, this.#options.ports, (volume, directory) =>
      this.#fill(volume, directory),
    );
    this.#prepared = true;
    this.#schedule();
    return sources;
  }

  /** A newer version of the pod: its labels and annotations may be shown in a volume. */
  update(pod: Pod): void {
    const before = this.#pod.metadata;
    this.#pod = pod;
    const { labels, annotations } = pod.metadata;
    if (JSON.stringify([before.labels, before.annotations]) === JSON.stringify([labels, annotations])) return;
    if ((pod.spec?.volumes ?? []).some(showsPod)) this.#refreshSoon();
  }

  /** A ConfigMap or Secret of the pod's namespace has changed. */
  changed(kind: 'configMap' | 'secret', name: string): void {
    if ((this.#pod.spec?.volumes ?? []).some((volume) => uses(volume, kind, name))) this.#refreshSoon();
  }

  /** Stop to follow; resolves once nothing is written any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#work;
  }

  /** Many changes at once are one refresh. */
  #refreshSoon(): void {
    if (!this.#prepared || this.#isWaiting || this.#closed) return;
    this.#isWaiting = true;
    this.#work = this.#work.then(() => this.#refresh());
  }

  async #refresh(): Promise<void> {
    this.#isWaiting = false;
    if (this.#closed) return;
    try {
      const { directory } = this.#options.ports;
      for (const volume of (this.#pod.spec?.volumes ?? []).filter(hasContent)) {
        await this.#fill(volume, join(directory, volume.name));
      }
      this.#schedule();
    } catch (error) {
      this.#options.onProblem(error);
      this.#schedule(retryMs);
    }
  }

  async #fill(volume: Volume, directory: string): Promise<void> {
    const ports = { ...this.#options.ports, token: (request: TokenRequest) => this.#token(request) };
    const content = await volumeContent(this.#pod, volume, ports);
    const signature = signatureOf(content);
    if (this.#closed || this.#written.get(volume.name) === signature) return;
    await writeAtomically(directory, content, `${Date.now().toString(36)}-${++this.#version}`);
    this.#written.set(volume.name, signature);
  }

  async #token(request: TokenRequest): Promise<string> {
    const { ports, now } = this.#options;
    const id = JSON.stringify([request.audience, request.expirationSeconds]);
    const kept = this.#tokens.get(id);
    if (kept && now() < kept.renewAt) return kept.token;
    const { token, expiresAt } = await ports.requestToken(request);
    const lifeMs = expiresAt - now();
    this.#tokens.set(id, { token, renewAt: now() + Math.min(lifeMs * 0.8, dayMs) });
    return token;
  }

  #schedule(atLeastMs = 1_000): void {
    clearTimeout(this.#timer);
    if (this.#closed || this.#tokens.size === 0) return;
    const next = Math.min(...[...this.#tokens.values()].map(({ renewAt }) => renewAt)) - this.#options.now();
    this.#timer = setTimeout(() => this.#refreshSoon(), Math.min(Math.max(next, atLeastMs), maxTimerMs)).unref();
  }
}

function showsPod(volume: Volume): boolean {
  return Boolean(volume.downwardAPI ?? volume.projected?.sources?.some((source) => source.downwardAPI));
}

function uses(volume: Volume, kind: 'configMap' | 'secret', name: string): boolean {
  const own = kind === 'configMap' ? volume.configMap?.name : volume.secret?.secretName;
  return own === name || (volume.projected?.sources ?? []).some((source) => source[kind]?.name === name);
}

function signatureOf(content: VolumeContent): string {
  const hash = createHash('sha256');
  for (const [path, { bytes, mode }] of content) hash.update(`${path}\0${mode}\0${bytes.length}\0`).update(bytes);
  return hash.digest('hex');
}
