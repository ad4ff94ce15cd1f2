import type { ClusterAccess } from './http-transport.ts';

/** Long enough to spare the plug-in, short enough to notice a renewed credential. */
const cacheMs = 10_000;

/**
 * Credentials of a user entry that names an exec plug-in or an auth provider (OIDC ...). Only then is
 * `@kubernetes/client-node` loaded: it costs half a second and 80 MB.
 */
export async function pluginCredentials(file: string, userName: string): Promise<Partial<ClusterAccess>> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(file);
  // The context may come from another file: make one that picks the user.
  const cluster = { name: 'sluice', server: 'https://127.0.0.1', skipTLSVerify: false };
  config.clusters = [cluster];
  config.contexts = [{ name: 'sluice', cluster: cluster.name, user: userName }];
  config.setCurrentContext('sluice');

  type Options = { headers?: Record<string, string>; cert?: unknown; key?: unknown };
  const ask = async (): Promise<Options> => {
    const options: Options = {};
    await config.applyToHTTPSOptions(options as Parameters<typeof config.applyToHTTPSOptions>[0]);
    return options;
  };
  let last = await ask();
  let askedAtMs = performance.now();
  return {
    ...toPem('cert', last.cert),
    ...toPem('key', last.key),
    headers: async () => {
      if (performance.now() - askedAtMs > cacheMs) {
        last = await ask();
        askedAtMs = performance.now();
      }
      const authorization = last.headers?.['Authorization'];
      return authorization ? { authorization } : {};
    },
  };
}

function toPem<K extends 'cert' | 'key'>(name: K, value: unknown): { readonly [P in K]?: string } {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return {};
  const text = typeof value === 'string' ? value : Buffer.from(value).toString('utf8');
  return { [name]: text } as { readonly [P in K]?: string };
}
