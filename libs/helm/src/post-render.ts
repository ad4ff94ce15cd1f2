import { access, constants, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import type { JsonObject } from '@sluice/model';
import { findKubectl } from './find-binary.ts';

/** What is done to rendered manifests before helm applies them. Metadata is set last and wins. */
export type PostRender = {
  /** Kustomizations (patches, images), one after the other. */
  readonly kustomizations: readonly JsonObject[];
  /** Hooks together with the rest, not at all, or apart from it. */
  readonly strategy: 'combined' | 'nohooks' | 'separate';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

/** What the plugin reads: the order, where kubectl is, and where to say why it failed (helm swallows its standard error). */
export type PostRenderConfig = PostRender & { readonly kubectl?: string; readonly errorFile: string };

/** Name of the plugin, for `--post-renderer`. */
export const pluginName = 'sluice-post-render';

/** Variable that tells the plugin where its {@link PostRenderConfig} is. */
export const configVariable = 'SLUICE_POST_RENDER';

/** Put the plugin where helm looks for it. It runs with the Node that runs us. */
export async function installPlugin(pluginsDirectory: string): Promise<void> {
  const directory = join(pluginsDirectory, pluginName);
  await mkdir(directory, { recursive: true });
  const program = join(import.meta.dirname, `post-render-main${extname(import.meta.filename)}`);
  const plugin = {
    apiVersion: 'v1',
    type: 'postrenderer/v1',
    name: pluginName,
    version: '1.0.0',
    runtime: 'subprocess',
    config: {},
    runtimeConfig: { platformCommand: [{ command: process.execPath, args: ['--no-warnings', program] }] },
  };
  // JSON is YAML.
  await writeFile(join(directory, 'plugin.yaml'), JSON.stringify(plugin));
}

/** An order for the plugin, written down for one operation. */
export type PostRenderOrder = {
  readonly env: Readonly<Record<string, string>>;
  /** Why the plugin failed, if it did. */
  failure(): Promise<string | undefined>;
  remove(): Promise<void>;
};

/** Write the order of one operation. */
export async function writeOrder(
  directory: string,
  postRender: PostRender,
  findTool: () => Promise<string>,
): Promise<PostRenderOrder> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(directory, 'order-'));
  const errorFile = join(folder, 'error');
  const kubectl = postRender.kustomizations.length > 0 ? { kubectl: await findTool() } : {};
  const config: PostRenderConfig = { ...postRender, ...kubectl, errorFile };
  await writeFile(join(folder, 'order.json'), JSON.stringify(config), { mode: 0o600 });
  return {
    env: { [configVariable]: join(folder, 'order.json') },
    failure: () => readFile(errorFile, 'utf8').catch(() => undefined),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** kubectl for kustomizations: beside helm, else as {@link findKubectl} finds it. */
export async function findKustomizer(
  helm: string,
  env: Readonly<Record<string, string>>,
  cacheDirectory: string,
): Promise<string> {
  const beside = join(dirname(helm), 'kubectl');
  const usable = await access(beside, constants.X_OK).then(
    () => true,
    () => false,
  );
  return usable ? beside : (await findKubectl({ env, cacheDirectory })).path;
}
