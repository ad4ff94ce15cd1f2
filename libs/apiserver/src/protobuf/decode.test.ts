import type { KubeObject } from '@sluice/model';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeProtobufBody } from './decode.ts';
import { encodeProtobufBody } from './encode.ts';

const secret: KubeObject & { data: unknown; type: string } = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 's', labels: { owner: 'helm' }, creationTimestamp: '2026-01-02T03:04:05Z' },
  data: { release: 'aGVsbG8=' },
  type: 'helm.sh/release.v1',
};

test('an object comes back as it went', () => {
  expect(decodeProtobufBody(encodeProtobufBody(secret))).toEqual({ ok: true, value: secret });
});

test('inlined messages are nested on the wire and flat in JSON', () => {
  const spec = { volumes: [{ name: 'v', emptyDir: {} }], containers: [{ name: 'c', image: 'i', resources: {} }] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec } as KubeObject;
  const decoded = decodeProtobufBody(encodeProtobufBody(pod));
  expect(decoded).toMatchObject({ ok: true, value: { spec: { volumes: [{ name: 'v', emptyDir: {} }] } } });
});

test('a kind without a table is refused by name', () => {
  const bytes = encodeProtobufBody(secret);
  const other = Uint8Array.from(bytes, (byte, index) =>
    bytes[index] === 0x53 && bytes[index + 1] === 0x65 ? 0x54 : byte,
  );
  expect(decodeProtobufBody(other)).toMatchObject({
    ok: false,
    problems: [{ message: expect.stringContaining('Tecret') }],
  });
});

test('no bytes make it throw', () => {
  const head = [0x6b, 0x38, 0x73, 0];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
      expect(() => decodeProtobufBody(Uint8Array.from([...head, ...tail]))).not.toThrow();
    }),
  );
  const good = encodeProtobufBody(secret);
  for (let length = 0; length < good.length; length++)
    expect(() => decodeProtobufBody(good.subarray(0, length))).not.toThrow();
});
