import { expect, test } from 'vitest';
import { negotiate, negotiateDiscovery } from './accept.ts';

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
test.for([
  { header: undefined, want: { as: 'object' } },
  { header: '*/*', want: { as: 'object' } },
  { header: 'application/json', want: { as: 'object' } },
  {
    header: `${table},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`,
    want: { as: 'table', version: 'v1' },
  },
  { header: 'application/json;as=Table;v=v1beta1;g=meta.k8s.io', want: { as: 'table', version: 'v1beta1' } },
  { header: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', want: { as: 'metadata', version: 'v1' } },
  { header: 'application/json;as=Table;v=v9;g=meta.k8s.io,application/json', want: { as: 'object' } },
  { header: 'application/vnd.kubernetes.protobuf,application/json', want: { as: 'object' } },
  { header: `application/json;q=0.5, ${table};q=0.9`, want: { as: 'table', version: 'v1' } },
  { header: 'application/vnd.kubernetes.protobuf', want: undefined },
  { header: 'text/html', want: undefined },
  { header: 'application/json;as=Table;v=v9;g=meta.k8s.io', want: undefined },
])('Accept: $header', ({ header, want }) => {
  expect(negotiate(header)).toEqual(want);
});

const aggregated = (version: string): string =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
test.for([
  { header: `${aggregated('v2')},${aggregated('v2beta1')},application/json`, want: 'v2' },
  { header: `${aggregated('v2beta1')},application/json`, want: 'v2beta1' },
  { header: `${aggregated('v3')},application/json`, want: 'plain' },
  { header: 'application/json', want: 'plain' },
  { header: undefined, want: 'plain' },
])('discovery for $header is $want', ({ header, want }) => {
  expect(negotiateDiscovery(header)).toBe(want);
});
