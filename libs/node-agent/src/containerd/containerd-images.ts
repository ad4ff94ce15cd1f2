import { ImageError, type Images, type LocalImage } from '../image/image-store.ts';
import type { ImageConfig, ImagePort, ImageResolution } from '../image/image-port.ts';
import type { Container } from '../pod/pod-spec.ts';
import type { Ctr } from './ctr.ts';
import { fullImageName, imageNameAt } from './image-name.ts';

const lookMs = 10_000;
const pullMs = 10 * 60_000;
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

type Descriptor = {
  readonly digest: string;
  readonly platform?: { readonly architecture: string; readonly os: string };
};
type StoredManifest = { readonly config?: Descriptor; readonly manifests?: readonly Descriptor[] };
type StoredConfig = {
  readonly config?: {
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Env?: readonly string[] | null;
    readonly WorkingDir?: string;
    readonly User?: string;
  };
};

/**
 * Images in containerd's own store: those of the embedded registry are pulled from it, others are taken where they are and
 * pulled from where their name says otherwise. One pull of an image at a time.
 */
export class ContainerdImages implements Images {
  readonly #ctr: Ctr;
  readonly #port: ImagePort;
  readonly #pulls = new Map<string, Promise<void>>();
  readonly #known = new Map<string, LocalImage>();

  constructor(ctr: Ctr, port: ImagePort) {
    this.#ctr = ctr;
    this.#port = port;
  }

  async get(reference: string, signal: AbortSignal, policy?: Container['imagePullPolicy']): Promise<LocalImage> {
    if (reference.trim() === '') throw new ImageError('InvalidImageName', 'the container names no image');
    try {
      const found = await this.#port.resolve(reference, signal);
      if (found === 'missing') {
        const message = `image ${JSON.stringify(reference)} is not in the registry; push it, or correct the reference`;
        throw new ImageError('ErrImagePull', message);
      }
      return await this.#present(reference, found, signal, policy ?? defaultPolicy(reference));
    } catch (error) {
      if (error instanceof ImageError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new ImageError('ErrImagePull', `image ${JSON.stringify(reference)}: ${why}`, { cause: error });
    }
  }

  async #present(
    reference: string,
    found: Exclude<ImageResolution, 'missing'>,
    signal: AbortSignal,
    policy: NonNullable<Container['imagePullPolicy']>,
  ): Promise<LocalImage> {
    const own = typeof found === 'object' && 'digest' in found ? found : undefined;
    const name = own ? imageNameAt(reference, own.digest) : fullImageName(reference);
    const there = await this.#digestOf(name);
    if (!there && policy === 'Never') {
      const message = `image ${name} is not in containerd's store, and imagePullPolicy is Never`;
      throw new ImageError('ErrImageNeverPull', message);
    }
    if (!there || (policy === 'Always' && !own)) await this.#pull(name, own !== undefined, signal);
    const digest = (await this.#digestOf(name)) ?? '';
    const known = this.#known.get(`${name} ${digest}`);
    if (known) return known;
    const image = { digest, name, config: await this.#configOf(digest), userland: true };
    if (this.#known.size > 1_000) this.#known.clear();
    this.#known.set(`${name} ${digest}`, image);
    return image;
  }

  /** The digest under a name in the store. */
  async #digestOf(name: string): Promise<string | undefined> {
    const table = await this.#ctr.run(['images', 'ls', `name==${name}`], lookMs);
    return /(?:^|\s)(sha(?:256|512):[0-9a-f]+)\s/.exec(table.split('\n')[1]?.slice(name.length) ?? '')?.[1];
  }

  #pull(name: string, plain: boolean, signal: AbortSignal): Promise<void> {
    const running = this.#pulls.get(name);
    if (running) return running;
    const args = ['images', 'pull', ...(plain ? ['--plain-http'] : []), name];
    const pull = this.#ctr
      .run(args, pullMs, signal)
      .then(() => undefined)
      .finally(() => this.#pulls.delete(name));
    this.#pulls.set(name, pull);
    return pull;
  }

  async #configOf(digest: string): Promise<ImageConfig> {
    const manifest = await this.#content<StoredManifest>(digest);
    const own = manifest.config ?? (await this.#content<StoredManifest>(ofThisMachine(manifest).digest)).config;
    if (!own) throw new Error(`manifest ${digest} names no configuration`);
    const { Entrypoint, Cmd, Env, WorkingDir, User } = (await this.#content<StoredConfig>(own.digest)).config ?? {};
    return {
      ...(Entrypoint ? { entrypoint: Entrypoint } : {}),
      ...(Cmd ? { cmd: Cmd } : {}),
      ...(Env ? { env: Env } : {}),
      ...(WorkingDir ? { workingDir: WorkingDir } : {}),
      ...(User ? { user: User } : {}),
    };
  }

  async #content<T>(digest: string): Promise<T> {
    return JSON.parse(await this.#ctr.run(['content', 'get', digest], lookMs)) as T;
  }
}

function ofThisMachine({ manifests = [] }: StoredManifest): Descriptor {
  const wanted = architectures[process.arch] ?? process.arch;
  const found = manifests.find(({ platform }) => platform?.architecture === wanted && platform.os === 'linux');
  if (!found) throw new Error(`the image is not made for linux/${wanted}`);
  return found;
}

/** As Kubernetes has it: a name that may mean another image tomorrow is looked up anew. */
function defaultPolicy(reference: string): NonNullable<Container['imagePullPolicy']> {
  const name = fullImageName(reference);
  return name.endsWith(':latest') ? 'Always' : 'IfNotPresent';
}
