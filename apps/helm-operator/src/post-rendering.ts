import type { PostRender } from '@sluice/helm';
import { commonMetadataDigest, postRenderersDigest, postRenderInput } from '@sluice/release';
import type { ReleaseContext } from './release-context.ts';
import { sha256 } from './sha256.ts';

type Rendering = Pick<ReleaseContext, 'plan' | 'draft' | 'release' | 'ports'>;

/**
 * What the post-renderer has to do. Without post-renderers and common metadata it is not started, because it costs a process an
 * operation; then origin labels are set only when the operator was told so.
 */
export function postRenderOf({ plan, release, ports }: Rendering): { readonly postRender?: PostRender } {
  const { kustomizations } = plan.postRender;
  const metadata = commonMetadataDigest(plan.postRender, sha256);
  if (kustomizations.length === 0 && metadata === undefined && !ports.originLabels) return {};
  return { postRender: postRenderInput(release, plan.postRender) };
}

/** Why the release would be rendered otherwise than last time; only in a generation that was not handled yet. */
export function renderingChange({ plan, draft }: Rendering): { readonly renderingChanged?: string } {
  const { observedGeneration, observedPostRenderersDigest, observedCommonMetadataDigest } = draft.current;
  if (observedGeneration === draft.generation) return {};
  if (postRenderersDigest(plan.postRender, sha256) !== (observedPostRenderersDigest ?? undefined))
    return { renderingChanged: 'post-renderers changed' };
  if (commonMetadataDigest(plan.postRender, sha256) !== (observedCommonMetadataDigest ?? undefined))
    return { renderingChanged: 'common metadata changed' };
  return {};
}

/** Note how the release was rendered. */
export function noteRendering({ plan, draft }: Rendering): void {
  const { observedPostRenderersDigest: _a, observedCommonMetadataDigest: _b, ...rest } = draft.current;
  const renderers = postRenderersDigest(plan.postRender, sha256);
  const metadata = commonMetadataDigest(plan.postRender, sha256);
  draft.current = {
    ...rest,
    ...(renderers ? { observedPostRenderersDigest: renderers } : {}),
    ...(metadata ? { observedCommonMetadataDigest: metadata } : {}),
  };
}
