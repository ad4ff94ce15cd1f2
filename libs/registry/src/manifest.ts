import { digestForm, isDigest, mediaTypes } from './oci-names.ts';
import { OciError } from './oci-error.ts';

/** What the registry needs to know of a manifest that is pushed. */
export type ParsedManifest = {
  readonly mediaType: string;
  readonly blobs: readonly string[];
  readonly manifests: readonly string[];
  readonly subject?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

const maxReferences = 1_000;
const foreignLayer = /\.layer\.nondistributable\.|\.rootfs\.foreign\.diff\./;
type Fields = Readonly<Record<string, unknown>>;

/** Read a manifest or index; throws {@link OciError} with what is wrong. `contentType` is the request's header. */
export function parseManifest(bytes: Uint8Array, contentType: string): ParsedManifest {
  const root = parseObject(bytes);
  const mediaType = (contentType.split(';')[0] ?? '').trim();
  if (typeof root['mediaType'] === 'string' && root['mediaType'] !== mediaType) {
    throw invalid(`content-type ${mediaType} differs from the manifest's mediaType ${root['mediaType']}`);
  }
  if (!Object.values(mediaTypes).some((known) => known === mediaType)) {
    throw invalid(`manifests of type "${mediaType}" are not kept here; use ${mediaTypes.ociManifest}`);
  }
  if (root['schemaVersion'] !== 2) throw invalid('schemaVersion must be 2');
  const isIndex = mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList;
  const blobs = isIndex ? [] : [digestAt(root['config'], 'config'), ...digestsAt(ownLayers(root['layers']), 'layers')];
  const config = isFields(root['config']) ? root['config']['mediaType'] : undefined;
  const artifactType = root['artifactType'] ?? (isIndex ? undefined : config);
  return {
    mediaType,
    blobs,
    manifests: isIndex ? digestsAt(root['manifests'], 'manifests') : [],
    ...(root['subject'] === undefined ? {} : { subject: digestAt(root['subject'], 'subject') }),
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
    ...(isFields(root['annotations']) ? { annotations: stringsOf(root['annotations']) } : {}),
  };
}

function parseObject(bytes: Uint8Array): Fields {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('the manifest is not JSON');
  }
  if (!isFields(value)) throw invalid('the manifest is not a JSON object');
  return value;
}

/** Layers that lie elsewhere by design are not asked for here. */
function ownLayers(layers: unknown): unknown {
  if (!Array.isArray(layers)) return layers;
  return layers.filter((layer) => !isFields(layer) || !foreignLayer.test(String(layer['mediaType'])));
}

function digestsAt(value: unknown, place: string): readonly string[] {
  if (!Array.isArray(value)) throw invalid(`${place} must be a list`);
  if (value.length > maxReferences) throw invalid(`${place} has more than ${maxReferences} entries`);
  return value.map((entry, index) => digestAt(entry, `${place}[${index}]`));
}

function digestAt(value: unknown, place: string): string {
  const digest = isFields(value) ? value['digest'] : undefined;
  if (typeof digest !== 'string' || !isDigest(digest)) throw invalid(`${place}.digest must be ${digestForm}`);
  return digest;
}

function stringsOf(fields: Fields): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): OciError {
  return new OciError(400, 'MANIFEST_INVALID', message);
}
