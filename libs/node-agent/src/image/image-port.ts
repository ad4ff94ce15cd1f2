/** The part of an image's config that decides how a container of it runs. */
export type ImageConfig = {
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  /** `NAME=value`. */
  readonly env?: readonly string[];
  readonly workingDir?: string;
  /** `uid`, `name`, each also with `:group`. */
  readonly user?: string;
};

export type ImageLayer = { readonly digest: string; readonly mediaType: string };

/** An image of the embedded registry. `digest` names the manifest, `sha256:<hex>`. */
export type ResolvedImage = {
  readonly digest: string;
  readonly config: ImageConfig;
  /** Lowest first. */
  readonly layers: readonly ImageLayer[];
};

/** Not an image of ours, but its way to be started is known: host tools stand in for its files. */
export type StandInImage = { readonly standIn: true; readonly config: ImageConfig };

/** What an image reference turned out to be. `foreign`: not of the embedded registry; `missing`: of it, but not there. */
export type ImageResolution = ResolvedImage | StandInImage | 'foreign' | 'missing';

/** Where the node agent has images from. Joined to the registry by the app. */
export type ImagePort = {
  resolve(reference: string, signal: AbortSignal): Promise<ImageResolution>;
  /** The bytes of a layer as stored (tar, tar+gzip or tar+zstd). The agent checks the digest. */
  openLayer(image: ResolvedImage, layer: ImageLayer, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
};

/** A port that knows no image: every reference is run with host tools. */
export const noImages: ImagePort = {
  resolve: () => Promise.resolve('foreign'),
  openLayer: () => Promise.reject(new Error('there is no registry')),
};
