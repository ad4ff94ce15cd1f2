import type { HelmRelease, JsonObject } from '@sluice/model';
import { originLabels } from './chart-template.ts';
import { canonicalJson, type Sha256 } from './digest.ts';
import { readTarget } from './drift.ts';
import type { SpecReader } from './spec-reader.ts';

/** Labels and annotations for everything that a release makes. */
export type CommonMetadata = {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

/** What is done to the rendered manifests, in this order: each kustomization, then the metadata, then the origin labels. */
export type PostRenderPlan = {
  /** Specs of kustomizations: patches and images. */
  readonly kustomizations: readonly JsonObject[];
  readonly strategy: 'combined' | 'nohooks' | 'separate';
  readonly metadata: CommonMetadata;
};

/** What the post-renderer of one operation is told. */
export type PostRenderInput = {
  readonly kustomizations: readonly JsonObject[];
  readonly strategy: PostRenderPlan['strategy'];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

/** Read `postRenderers`, `postRenderStrategy` and `commonMetadata` of a spec. */
export function readPostRendering(reader: SpecReader): PostRenderPlan {
  const metadata = reader.object('commonMetadata');
  const common = { labels: metadata.textMap('labels'), annotations: metadata.textMap('annotations') };
  metadata.close();
  const kustomizations = reader.list('postRenderers').map((renderer) => {
    if (!renderer.has('kustomize')) renderer.refuse('kustomize', 'is missing', 'patches and images go there');
    const kustomization = readKustomization(renderer.object('kustomize'));
    renderer.close();
    return kustomization;
  });
  const strategy = reader.choice('postRenderStrategy', ['combined', 'nohooks', 'separate']) ?? 'combined';
  return { kustomizations, strategy, metadata: common };
}

function readKustomization(reader: SpecReader): JsonObject {
  const patches = reader.list('patches').map((patch) => {
    const text = patch.text('patch') ?? '';
    if (!text) patch.refuse('patch', 'is missing');
    const target = patch.has('target') ? readTarget(patch.object('target')) : undefined;
    patch.close();
    return { patch: text, ...(target ? { target } : {}) };
  });
  const images = reader.list('images').map((image) => {
    const fields = ['name', 'newName', 'newTag', 'digest'].map((key) => [key, image.text(key)] as const);
    if (!image.has('name')) image.refuse('name', 'is missing');
    image.close();
    return Object.fromEntries(fields.filter(([, value]) => value !== undefined)) as JsonObject;
  });
  reader.close();
  return { ...(patches.length > 0 ? { patches } : {}), ...(images.length > 0 ? { images } : {}) };
}

/** What the post-renderer does for a release. The origin labels win over everything. */
export function postRenderInput(
  release: HelmRelease,
  { kustomizations, strategy, metadata }: PostRenderPlan,
): PostRenderInput {
  const labels = { ...metadata.labels, ...originLabels(release) };
  return { kustomizations, strategy, labels, annotations: metadata.annotations };
}

/** Digest of the post-renderers; undefined without any. */
export function postRenderersDigest({ kustomizations, strategy }: PostRenderPlan, sha256: Sha256): string | undefined {
  if (kustomizations.length === 0) return undefined;
  return `sha256:${sha256(canonicalJson({ kustomizations, strategy }))}`;
}

/** Digest of the common metadata; undefined without any. */
export function commonMetadataDigest({ metadata }: PostRenderPlan, sha256: Sha256): string | undefined {
  const { labels, annotations } = metadata;
  if (Object.keys(labels).length + Object.keys(annotations).length === 0) return undefined;
  return `sha256:${sha256(canonicalJson({ labels, annotations }))}`;
}
