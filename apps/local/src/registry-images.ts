import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ImagePort } from '@sluice/node-agent';
import { parseReference } from '@sluice/oci';
import type { Registry } from '@sluice/registry';

type Descriptor = { readonly digest: string; readonly mediaType: string };
type StoredManifest = { readonly config?: Descriptor; readonly layers?: readonly Descriptor[] };
type StoredConfig = {
  readonly config?: {
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly Env?: readonly string[];
    readonly WorkingDir?: string;
  };
};

/** What well-known images run when a container names no command. Host tools stand in for their files. */
const knownCommands: Readonly<Record<string, readonly string[]>> = {
  alpine: ['sh'],
  busybox: ['sh'],
  debian: ['bash'],
  ubuntu: ['bash'],
  bash: ['bash'],
  node: ['node'],
  python: ['python3'],
};

function standInFor(reference: string): { standIn: true; config: { cmd: readonly string[] } } | undefined {
  const name = /(?:^|\/)([^/:@]+)(?::[^/@]*)?(?:@.*)?$/.exec(reference)?.[1] ?? '';
  const cmd = knownCommands[name];
  return cmd && { standIn: true, config: { cmd } };
}

/** Images for the node agent, read from the embedded registry's files. `host` is the registry's `host:port`. */
export function registryImages(registry: Registry, host: string): ImagePort {
  return {
    resolve: async (text) => {
      const reference = parseReference(text);
      if (!reference.ok || reference.value.host !== host) return standInFor(text) ?? 'foreign';
      const { repository, tag, digest } = reference.value;
      const stored = await registry.localManifest(repository, digest ?? tag ?? 'latest');
      if (!stored) return 'missing';
      const manifest = JSON.parse(Buffer.from(stored.bytes).toString('utf8')) as StoredManifest;
      const configPath = manifest.config && (await registry.localPath(manifest.config.digest));
      if (!configPath) return 'missing';
      const { config = {} } = JSON.parse(await readFile(configPath, 'utf8')) as StoredConfig;
      return {
        digest: stored.digest,
        config: {
          ...(config.Entrypoint ? { entrypoint: config.Entrypoint } : {}),
          ...(config.Cmd ? { cmd: config.Cmd } : {}),
          ...(config.Env ? { env: config.Env } : {}),
          ...(config.WorkingDir ? { workingDir: config.WorkingDir } : {}),
        },
        layers: (manifest.layers ?? []).map(({ digest: layer, mediaType }) => ({ digest: layer, mediaType })),
      };
    },
    openLayer: async (_image, layer) => {
      const path = await registry.localPath(layer.digest);
      if (!path) throw new Error(`layer ${layer.digest} is not in the registry, or is damaged`);
      return createReadStream(path);
    },
  };
}
