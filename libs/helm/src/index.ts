export type { Chart, ChartCrd, ChartMetadata } from './chart-directory.ts';
export { BadChart, readChart } from './chart-directory.ts';
export type { FindOptions, FoundBinary } from './find-binary.ts';
export { BinaryNotFound, findHelm, findKubectl } from './find-binary.ts';
export type { Helm, HelmOptions, HelmResult } from './helm.ts';
export { createHelm } from './helm.ts';
export type {
  InstallOptions,
  ReleaseTarget,
  RollbackOptions,
  TestOptions,
  UninstallOptions,
  UpgradeOptions,
  WaitOptions,
} from './helm-arguments.ts';
export type { HelmFailure, HelmFailureKind } from './helm-failure.ts';
export { classifyFailure } from './helm-failure.ts';
export type { PackagedChart, PackageOptions } from './package-chart.ts';
export { packageChart, parseValues } from './package-chart.ts';
export type { ReleaseHook, ReleaseRecord, StoredSecret } from './release-record.ts';
export {
  BadReleaseRecord,
  decodeRelease,
  readReleases,
  releaseSelector,
  unlockRelease,
  withStatus,
} from './release-record.ts';
export type { ChartIndex, IndexEntry } from './chart-index.ts';
export { BadIndex, sliceIndex } from './chart-index.ts';
export { BadManifest, readManifest } from './manifest.ts';
export type { PostRender } from './post-render.ts';
export type { RenderOptions } from './render-chart.ts';
export { renderChart } from './render-chart.ts';
