import { type Document, isMap, isPair, isScalar, parseAllDocuments, visit, type YAMLMap } from 'yaml';
import { CommandError, type ExitCode, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { readText } from '../submitted.ts';

/** Fields of Argo Workflows 3.x that hold one, and those of 4 that hold a list. */
const lists: Readonly<Record<string, string>> = { schedule: 'schedules', mutex: 'mutexes', semaphore: 'semaphores' };
const kinds = new Set(['Workflow', 'WorkflowTemplate', 'ClusterWorkflowTemplate', 'CronWorkflow']);

/** `sluice convert FILE…`: print the manifests as Argo Workflows 4 has them, comments and all. */
export async function convertCommand(files: readonly string[], io: Io): Promise<ExitCode> {
  for (const [index, file] of files.entries()) {
    const text = await readText(file, io);
    const documents = parseAllDocuments(text);
    const all = Array.isArray(documents) ? documents : [];
    for (const { errors } of all)
      if (errors[0]) throw new CommandError(exitCodes.lint, `${file}: ${errors[0].message.split('\n', 1)[0]}`);
    if (index > 0) io.out('---');
    const shown = all.map((document) => convert(document).toString({ lineWidth: 0 }));
    io.out(shown.join(shown.some((one) => one.startsWith('---')) ? '' : '---\n').trimEnd());
  }
  return exitCodes.ok;
}

function convert(document: Document.Parsed): Document.Parsed {
  const kind: unknown = document.get?.('kind');
  if (typeof kind !== 'string' || !kinds.has(kind)) return document;
  visit(document, {
    Pair(_, pair, path) {
      if (!isScalar(pair.key)) return;
      const field = String(pair.key.value);
      const parent = path.at(-1);
      if (!isMap(parent)) return;
      if (isLegacyList(field, parent, path)) toList(document, parent, field);
      if (field === 'ttlSecondsAfterFinished') {
        pair.key.value = 'ttlStrategy';
        pair.value = document.createNode({ secondsAfterCompletion: pair.value });
      }
    },
  });
  return document;
}

/** `schedule` beside a `workflowSpec`; `mutex` and `semaphore` within a `synchronization`. */
function isLegacyList(field: string, parent: YAMLMap, path: readonly unknown[]): boolean {
  if (field === 'schedule') return parent.has('workflowSpec');
  const around = path.at(-2);
  const name = isPair(around) && isScalar(around.key) ? around.key.value : undefined;
  return (field === 'mutex' || field === 'semaphore') && name === 'synchronization';
}

function toList(document: Document.Parsed, parent: YAMLMap, field: string): void {
  const plural = lists[field] ?? field;
  const pair = parent.items.find(({ key }) => isScalar(key) && key.value === field);
  if (!pair || !isScalar(pair.key)) return;
  const list = parent.get(plural, true);
  const one = document.createNode([pair.value]);
  if (list === undefined) {
    pair.key.value = plural;
    pair.value = one;
  } else throw new CommandError(exitCodes.lint, `${field} and ${plural} are both there; keep one of them`);
}
