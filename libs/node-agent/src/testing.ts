export { FakeImages } from './testing/fake-images.ts';
export { makePod, PodBuilder } from './testing/pod-builder.ts';
export { PodDriver } from './testing/pod-driver.ts';
