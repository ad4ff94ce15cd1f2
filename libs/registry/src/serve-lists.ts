import { jsonResponse, type HttpResponse } from '@sluice/runtime';
import { digestForm, isDigest, mediaTypes } from './oci-names.ts';
import { OciError } from './oci-error.ts';
import type { RegistryParts } from './registry-parts.ts';

const maxPage = 1_000;

/** A list that the API answers with. */
export async function getCatalog({ repositories }: RegistryParts, query: URLSearchParams): Promise<HttpResponse> {
  const { page, headers } = pageOf(await repositories.names(), query, '/v2/_catalog');
  return jsonResponse(200, { repositories: page }, headers);
}

/** A list that the API answers with. */
export async function getTags(
  { repositories }: RegistryParts,
  name: string,
  query: URLSearchParams,
): Promise<HttpResponse> {
  if (!(await repositories.exists(name))) throw new OciError(404, 'NAME_UNKNOWN', `no repository is named ${name}`);
  const { page, headers } = pageOf(await repositories.tags(name), query, `/v2/${name}/tags/list`);
  return jsonResponse(200, { name, tags: page }, headers);
}

function pageOf(
  all: readonly string[],
  query: URLSearchParams,
  path: string,
): { page: string[]; headers: Record<string, string> } {
  const asked = query.get('n');
  if (asked !== null && !/^\d{1,9}$/.test(asked)) throw new OciError(400, 'UNSUPPORTED', 'n must be a whole number');
  const size = Math.min(asked === null ? maxPage : Number(asked), maxPage);
  const last = query.get('last');
  const rest = last === null ? [...all] : all.filter((entry) => entry > last);
  const page = rest.slice(0, size);
  const end = page.at(-1);
  if (rest.length <= size || end === undefined) return { page, headers: {} };
  return { page, headers: { link: `<${path}?n=${size}&last=${encodeURIComponent(end)}>; rel="next"` } };
}

/** A list that the API answers with. */
export async function getReferrers(
  parts: RegistryParts,
  name: string,
  digest: string,
  query: URLSearchParams,
): Promise<HttpResponse> {
  if (!isDigest(digest)) throw new OciError(400, 'DIGEST_INVALID', `digest must be ${digestForm}`);
  const all = await parts.repositories.referrers(name, digest);
  const type = query.get('artifactType');
  const manifests = type ? all.filter((referrer) => referrer.artifactType === type) : all;
  const headers = { 'content-type': mediaTypes.ociIndex, ...(type ? { 'oci-filters-applied': 'artifactType' } : {}) };
  return { ...jsonResponse(200, { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }), headers };
}
