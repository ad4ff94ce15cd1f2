import { nearest } from '@sluice/model';
import { combinationsOf, maxCombinations } from './expand-matrix.ts';
import type { FileProblems } from './source-text.ts';
import type { Deploy, Pipeline, Step } from './pipeline.ts';

type Offsets = ReadonlyMap<string, number>;
type Report = (path: string, code: string, message: string, fix?: string) => void;

/** What one field cannot tell: names that are used twice or not at all, cycles, deployments of steps that package nothing. */
export function checkPipeline(pipeline: Pipeline, offsets: Offsets, problems: FileProblems): void {
  const report: Report = (path, code, message, fix) => {
    problems.add(offsetOf(path, offsets), { code, path, message, ...(fix ? { fix } : {}) });
  };
  if (!pipeline.on.push && !pipeline.on.pullRequest) {
    report('spec.on', 'NoTrigger', 'no event starts this pipeline', 'add push: or pullRequest:');
  }
  checkNames(pipeline.steps, report);
  checkNeeds(pipeline.steps, report);
  checkMatrices(pipeline.steps, report);
  checkCycles(pipeline.steps, report);
  const steps = new Map(pipeline.steps.map((step) => [step.name, step]));
  pipeline.deploy.forEach((deploy, i) => checkDeploy(deploy, `spec.deploy.${i}`, steps, report));
  checkReleases(pipeline.deploy, report);
}

/** The place of a path, or of the nearest part above it that has one. */
function offsetOf(path: string, offsets: Offsets): number {
  for (let at = path; at; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const offset = offsets.get(at);
    if (offset !== undefined) return offset;
  }
  return offsets.get('') ?? 0;
}

function checkNames(steps: readonly Step[], report: Report): void {
  const first = new Map<string, number>();
  steps.forEach((step, i) => {
    const before = first.get(step.name);
    if (before === undefined) first.set(step.name, i);
    else
      report(
        `spec.steps.${i}.name`,
        'DuplicateStep',
        `step ${before + 1} is already named "${step.name}"`,
        'give each step its own name',
      );
  });
}

function checkNeeds(steps: readonly Step[], report: Report): void {
  const names = steps.map(({ name }) => name);
  steps.forEach((step, i) => {
    const seen = new Set<string>();
    step.needs.forEach((need, j) => {
      const path = `spec.steps.${i}.needs.${j}`;
      if (need === step.name) report(path, 'NeedsItself', `step "${need}" needs itself`, 'remove the entry');
      else if (!names.includes(need)) report(path, 'UnknownStep', `no step is named "${need}"`, suggest(need, names));
      else if (seen.has(need)) report(path, 'DuplicateNeed', `"${need}" stands here twice`, 'remove one');
      seen.add(need);
    });
  });
}

function checkMatrices(steps: readonly Step[], report: Report): void {
  steps.forEach((step, i) => {
    const keys = Object.keys(step.matrix);
    const path = `spec.steps.${i}.matrix`;
    const count = combinationsOf(step);
    if (keys.length > 0 && step.kind !== 'run') {
      report(path, 'MatrixOfPackage', `step "${step.name}" packages something, which is done once`, 'remove matrix');
    } else if (count > maxCombinations) {
      const message = `the matrix has ${count} combinations; at most ${maxCombinations} are run`;
      report(path, 'MatrixTooLarge', message, 'leave values out, or divide the step');
    }
  });
}

/** Reports each cycle once, at the need that closes it. */
function checkCycles(steps: readonly Step[], report: Report): void {
  const index = new Map(steps.map((step, i) => [step.name, i]));
  const state = new Map<string, 'open' | 'done'>();
  const trail: string[] = [];
  const visit = (name: string): void => {
    const at = index.get(name);
    const step = at === undefined ? undefined : steps[at];
    if (!step || state.has(name)) return;
    state.set(name, 'open');
    trail.push(name);
    step.needs.forEach((need, j) => {
      if (need !== name && state.get(need) === 'open') {
        const cycle = [...trail.slice(trail.indexOf(need)), need].join(' needs ');
        report(
          `spec.steps.${at}.needs.${j}`,
          'NeedsCycle',
          `steps wait for each other: ${cycle}`,
          'remove one of these needs',
        );
      } else visit(need);
    });
    trail.pop();
    state.set(name, 'done');
  };
  for (const { name } of steps) visit(name);
}

function checkDeploy(deploy: Deploy, path: string, steps: ReadonlyMap<string, Step>, report: Report): void {
  const check = (name: string, kind: 'chart' | 'image', at: string): void => {
    const packaging = [...steps.values()].filter((step) => step.kind === kind).map((step) => step.name);
    const step = steps.get(name);
    const known =
      packaging.length > 0
        ? `the steps that do are ${packaging.join(', ')}`
        : `add a step with package: { ${kind}: … }`;
    if (!step) report(at, 'UnknownStep', `no step is named "${name}"`, suggest(name, packaging) ?? known);
    else if (step.kind !== kind)
      report(at, 'WrongStep', `step "${name}" does not package ${kind === 'chart' ? 'a chart' : 'an image'}`, known);
  };
  check(deploy.chart, 'chart', `${path}.chart`);
  deploy.images.forEach((name, i) => check(name, 'image', `${path}.images.${i}`));
}

function checkReleases(deploys: readonly Deploy[], report: Report): void {
  const seen = new Set<string>();
  deploys.forEach(({ environment, release = '' }, i) => {
    const id = `${environment}/${release}`;
    if (seen.has(id)) {
      const which = release ? `release "${release}"` : 'the same release';
      report(
        `spec.deploy.${i}`,
        'DuplicateDeploy',
        `${which} is already deployed to "${environment}" above`,
        'give it another release: name',
      );
    }
    seen.add(id);
  });
}

function suggest(name: string, names: readonly string[]): string | undefined {
  const near = nearest(name, names);
  if (near) return `did you mean "${near}"?`;
  return names.length > 0 ? `the steps are ${names.join(', ')}` : undefined;
}
