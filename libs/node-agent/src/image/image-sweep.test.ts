import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FakeImages } from '../testing/fake-images.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { ImageStore } from './image-store.ts';

test('images that no pod has and nobody asked for go; the others stay, and one that went is unpacked again', async () => {
  const directory = temporaryDirectory();
  const images = new FakeImages();
  const store = new ImageStore(directory, images);
  const { signal } = new AbortController();
  const digests: string[] = [];
  for (const name of ['old', 'used', 'asked']) {
    const { digest } = await images.add(`registry/${name}`, {}, [[{ name: 'file', text: name }]]);
    digests.push(digest);
    const { directory: place = '' } = await store.get(`registry/${name}`, signal);
    utimesSync(place, 1, 1);
  }
  const [old = '', used = '', asked = ''] = digests.map((digest) => digest.slice('sha256:'.length));
  await store.get('registry/asked', signal);
  await store.sweep(new Set([`sha256:${used}`]), 10_000);
  expect(readdirSync(directory).toSorted()).toEqual([used, asked].toSorted());
  expect((await store.get('registry/old', signal)).directory).toBe(join(directory, old));
});
