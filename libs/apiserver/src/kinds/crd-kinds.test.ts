import type { KubeObject } from '@sluice/model';
import { expect, test } from 'vitest';
import { applyDefaults } from '../schema/defaults.ts';
import { prune, unknownFields } from '../schema/prune.ts';
import { validateObject } from '../schema/validate.ts';
import { compareVersions, kindsOfCrd } from './crd-kinds.ts';
import type { KindInfo } from './kind.ts';

const now = Date.parse('2026-01-01T01:00:00Z');

const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'] },
    versions: [
      { name: 'v1alpha1', served: false, storage: false },
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 1, default: 3 },
                  mode: { type: 'string', enum: ['a', 'b'] },
                },
                'x-kubernetes-validations': [
                  { rule: "self.mode != 'b' || self.size > 5", message: 'mode b needs more than 5' },
                ],
              },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      },
    ],
  },
} as unknown as KubeObject;

const [kind] = kindsOfCrd(crd) as [KindInfo];

const widget = (spec: object, status?: object): KubeObject =>
  ({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec,
    ...(status ? { status } : {}),
  }) as KubeObject;

test('only served versions are kinds', () => {
  expect(kindsOfCrd(crd)).toHaveLength(1);
  expect(kind).toMatchObject({
    version: 'v1',
    listKind: 'WidgetList',
    singular: 'widget',
    custom: true,
    namespaced: true,
  });
  expect(kind.subresources).toEqual({ status: true, scale: { specPath: '.spec.size', statusPath: '.status.size' } });
});

test('prints the cells of its columns', () => {
  const object = widget({ size: 2 }, { conditions: [{ type: 'Ready', status: 'True' }] });
  expect(kind.columns.map(({ cell }) => cell(object, now))).toEqual(['w', 2, 'True', '60m']);
  expect(kind.columns.map(({ cell }) => cell(widget({}), now))).toEqual(['w', null, null, '60m']);
});

test('defaults, then prunes what the schema does not know', () => {
  expect(applyDefaults(kind, widget({}))).toMatchObject({ spec: { size: 3 } });
  const extra = widget({ size: 1, colour: 'red' }, { free: true });
  expect(unknownFields(kind, extra)).toEqual(['spec.colour']);
  expect(prune(kind, extra)).toMatchObject({ spec: { size: 1 }, status: { free: true } });
  expect(prune(kind, extra)).not.toHaveProperty('spec.colour');
});

test('names what is wrong with an object', () => {
  expect(validateObject(kind, widget({ size: 0, mode: 'c' })).map(({ reason, field }) => `${reason} ${field}`)).toEqual(
    ['FieldValueInvalid spec.size', 'FieldValueNotSupported spec.mode'],
  );
});

test('runs CEL rules on objects that fit the schema', () => {
  expect(validateObject(kind, widget({ size: 9, mode: 'b' }))).toEqual([]);
  expect(validateObject(kind, widget({ size: 2, mode: 'b' }))).toEqual([
    { reason: 'FieldValueInvalid', field: 'spec', message: 'Invalid value: mode b needs more than 5' },
  ]);
});

test('orders versions by stability, then number', () => {
  const versions = ['foo', 'v1alpha2', 'v1', 'v2beta1', 'v10', 'v1beta1'];
  expect(versions.toSorted(compareVersions)).toEqual(['v10', 'v1', 'v2beta1', 'v1beta1', 'v1alpha2', 'foo']);
});
