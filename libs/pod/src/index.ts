export { buildPod, scriptDirectory } from './build-pod.ts';
export type { ContainerOutcome, ContainerStatus, ObservedPod, PodOutcome } from './observe-pod.ts';
export { observePod, parseCaptured } from './observe-pod.ts';
export type { BuildPodInput, PodManifest, PodTemplate } from './pod-template.ts';
