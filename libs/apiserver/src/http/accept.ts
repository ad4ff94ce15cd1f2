/** How an answer is to be written. */
export type Representation =
  | { readonly as: 'object' }
  | { readonly as: 'table'; readonly version: 'v1' | 'v1beta1' }
  | { readonly as: 'metadata'; readonly version: 'v1' | 'v1beta1' };

type MediaRange = { readonly type: string; readonly parameters: ReadonlyMap<string, string>; readonly quality: number };

/** Media ranges of an Accept header, best first. At most 32 are looked at. */
export function parseAccept(header: string): readonly MediaRange[] {
  const ranges = header
    .split(',', 32)
    .map((range) => {
      const [type = '', ...rest] = range.split(';').map((part) => part.trim());
      const parameters = new Map(
        rest.map((parameter) => {
          const equals = parameter.indexOf('=');
          return [parameter.slice(0, Math.max(0, equals)), parameter.slice(equals + 1)] as const;
        }),
      );
      const quality = Number(parameters.get('q') ?? 1);
      return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality };
    })
    .filter(({ type }) => type !== '');
  return ranges.sort((a, b) => b.quality - a.quality);
}

function isJson(type: string): boolean {
  return type === 'application/json' || type === 'application/*' || type === '*/*';
}

/** How to write an object or a list for this Accept header; undefined when nothing that it names can be had (406). */
export function negotiate(header: string | undefined): Representation | undefined {
  if (header === undefined || header === '') return { as: 'object' };
  for (const { type, parameters } of parseAccept(header)) {
    if (!isJson(type)) continue;
    const as = parameters.get('as');
    if (as === undefined) return { as: 'object' };
    const version = parameters.get('v');
    if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table') return { as: 'table', version };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { as: 'metadata', version };
  }
  return undefined;
}

/** Which form of discovery to answer with. */
export function negotiateDiscovery(header: string | undefined): 'v2' | 'v2beta1' | 'plain' {
  for (const { type, parameters } of parseAccept(header ?? '')) {
    if (!isJson(type)) continue;
    if (parameters.get('g') !== 'apidiscovery.k8s.io' || parameters.get('as') !== 'APIGroupDiscoveryList')
      return 'plain';
    const version = parameters.get('v');
    if (version === 'v2' || version === 'v2beta1') return version;
  }
  return 'plain';
}
