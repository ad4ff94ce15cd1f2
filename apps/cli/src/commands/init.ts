import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { lintText } from './lint.ts';

export type InitOptions = { readonly force?: boolean; readonly print?: boolean; readonly branch: string };

type Step = { readonly name: string; readonly image: string; readonly run: readonly string[] };

/** What a repository is made of, and the steps that fit it. The first that is found counts. */
type Language = {
  readonly name: string;
  readonly files: readonly string[];
  readonly steps: (read: (file: string) => Promise<string>) => Promise<readonly Step[]> | readonly Step[];
};

const languages: readonly Language[] = [
  { name: 'Node', files: ['package.json'], steps: nodeSteps },
  {
    name: 'Go',
    files: ['go.mod'],
    steps: () => [
      { name: 'vet', image: 'golang:1', run: ['go vet ./...'] },
      { name: 'test', image: 'golang:1', run: ['go test ./...'] },
    ],
  },
  {
    name: 'Python',
    files: ['pyproject.toml', 'setup.py', 'requirements.txt'],
    steps: () => [
      {
        name: 'test',
        image: 'python:3',
        run: [
          'python -m venv .venv && . .venv/bin/activate',
          'if [ -e requirements.txt ]; then pip install -r requirements.txt; else pip install .; fi',
          'pip install pytest && pytest',
        ],
      },
    ],
  },
  { name: 'Rust', files: ['Cargo.toml'], steps: () => [{ name: 'test', image: 'rust:1', run: ['cargo test'] }] },
  {
    name: 'Java (Maven)',
    files: ['pom.xml'],
    steps: () => [{ name: 'test', image: 'maven:3', run: ['mvn --batch-mode verify'] }],
  },
  {
    name: 'Java (Gradle)',
    files: ['build.gradle', 'build.gradle.kts'],
    steps: () => [
      { name: 'test', image: 'gradle:9', run: ['if [ -e gradlew ]; then ./gradlew check; else gradle check; fi'] },
    ],
  },
];

const fallback: readonly Step[] = [
  { name: 'test', image: '', run: ['echo "replace this with what tests your repository"', 'ls'] },
];

/** `sluice init [DIRECTORY]`: a first pipeline for what is there. Writes nothing over without `--force`. */
export async function initCommand(directory: string, options: InitOptions, io: Io): Promise<ExitCode> {
  const root = resolve(io.cwd, directory);
  const entries = await readdir(root).catch(() => {
    throw new CommandError(exitCodes.notFound, `${directory}: there is no such directory`);
  });
  const language = languages.find(({ files }) => files.some((file) => entries.includes(file)));
  const steps = (await language?.steps((file) => readFile(join(root, file), 'utf8'))) ?? fallback;
  const chart = await findChart(root, entries);
  const text = pipelineText({ branch: options.branch, steps, chart });
  // What is written passes lint: a branch that is no pattern is the one thing that can be wrong.
  const [problem] = lintText('.sluice/ci.yaml', text);
  if (problem) throw new CommandError(exitCodes.usage, `--branch ${options.branch}: ${problem.message}`);
  if (options.print) {
    io.out(text.trimEnd());
    return exitCodes.ok;
  }
  const file = join(root, '.sluice', 'ci.yaml');
  if (!options.force && (await exists(file))) {
    throw new CommandError(
      exitCodes.failed,
      `${join(directory, '.sluice/ci.yaml')} is there already; --force writes over it`,
    );
  }
  await mkdir(join(root, '.sluice'), { recursive: true });
  await writeFile(file, text);
  io.out(join(directory, '.sluice/ci.yaml'));
  io.err(
    `a pipeline for ${language?.name ?? 'anything'}${chart ? ` with the chart ${chart}` : ''}; read it, then push it`,
  );
  return exitCodes.ok;
}

async function nodeSteps(read: (file: string) => Promise<string>): Promise<readonly Step[]> {
  let scripts: Readonly<Record<string, unknown>> = {};
  let lock = false;
  try {
    const parsed = JSON.parse(await read('package.json')) as { readonly scripts?: Readonly<Record<string, unknown>> };
    scripts = parsed.scripts ?? {};
    lock = await read('package-lock.json').then(
      () => true,
      () => false,
    );
  } catch {
    // a package.json that cannot be read has no scripts; the step will say why
  }
  const install = lock ? 'npm ci' : 'npm install';
  const image = 'node:24';
  const named = ['lint', 'typecheck', 'build', 'test'].filter((name) => typeof scripts[name] === 'string');
  const wanted = named.length > 0 ? named : ['test'];
  return [
    { name: 'install', image, run: [install] },
    ...wanted.map((name) => ({
      name,
      image,
      run: [name === 'test' && named.length === 0 ? 'node --test' : `npm run ${name}`],
    })),
  ];
}

/** The directory of a Helm chart at the top or in the usual places. */
async function findChart(root: string, entries: readonly string[]): Promise<string | undefined> {
  const places = ['chart', 'charts', 'helm', 'deploy'].filter((name) => entries.includes(name));
  for (const place of places) {
    if (await exists(join(root, place, 'Chart.yaml'))) return place;
    const below = await readdir(join(root, place)).catch(() => []);
    for (const name of below.slice(0, 50)) {
      if (await exists(join(root, place, name, 'Chart.yaml'))) return `${place}/${basename(name)}`;
    }
  }
  return undefined;
}

type Parts = { readonly branch: string; readonly steps: readonly Step[]; readonly chart: string | undefined };

function pipelineText({ branch, steps, chart }: Parts): string {
  const [first] = steps;
  const isInstall = first?.name === 'install';
  const blocks = steps.map(({ name, image, run }) => {
    const needs = isInstall && name !== 'install' ? '      needs: [install]\n' : '';
    const script =
      run.length === 1 ? ` ${JSON.stringify(run[0])}` : ` |\n${run.map((line) => `        ${line}`).join('\n')}`;
    return `    - name: ${name}\n${needs}${image ? `      image: ${image}\n` : ''}      run:${script}\n`;
  });
  const branches = JSON.stringify(branch);
  const packaged = chart
    ? `    - name: chart\n      needs: [${steps.map(({ name }) => name).join(', ')}]\n      package: { chart: { path: ${JSON.stringify(chart)} } }\n`
    : '';
  return `apiVersion: sluice.dev/v1alpha1
kind: Pipeline
metadata: { name: ci }
spec:
  on:
    push: { branches: [${branches}] }
    pullRequest: { branches: [${branches}] }
  # A new push takes the place of an older run of the same branch or pull request.
  concurrency: { onNew: cancel }
  steps:
${blocks.join('')}${packaged}`;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
