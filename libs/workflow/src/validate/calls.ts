import { dependsTerms, resultProblem } from '@sluice/expr';
import type { Task, Template, TemplateCall } from '../workflow-types.ts';
import { didYouMean } from './suggestion.ts';
import { type Add, isName, validateCallArguments, validateTasks } from './validate-fields.ts';

/** The steps of a template and what they call. */
export function validateSteps(
  template: Template,
  path: string,
  templates: ReadonlyMap<string, Template>,
  add: Add,
): void {
  const names = new Set<string>();
  for (const [group, members] of (template.steps ?? []).entries()) {
    for (const step of members) {
      const place = `${path}.steps[${group}].${step.name}`;
      if (!isName(step.name))
        add('NameInvalid', `${place}.name`, `'${step.name}' is invalid: a step's name has letters, digits, - and _`);
      if (names.has(step.name)) add('NameDuplicate', `${place}.name`, `step name '${step.name}' is not unique`);
      names.add(step.name);
      validateCall(step, place, templates, add);
    }
  }
}

/** The tasks of a template, what they call and what they wait for. */
export function validateDag(
  template: Template,
  path: string,
  templates: ReadonlyMap<string, Template>,
  add: Add,
): void {
  const tasks = template.dag?.tasks ?? [];
  const names = new Set(tasks.map(({ name }) => name));
  if (tasks.length === 0) add('TasksMissing', `${path}.dag.tasks`, 'must have at least one task');
  if (names.size !== tasks.length)
    add('NameDuplicate', `${path}.dag.tasks`, 'sorting failed: task names are not unique');
  for (const task of tasks) {
    const place = `${path}.tasks.${task.name}`;
    if (!isName(task.name))
      add('NameInvalid', `${place}.name`, `'${task.name}' is invalid: a task's name has letters, digits, - and _`);
    validateCall(task, place, templates, add);
    if (task.depends && task.dependencies?.length)
      add('DependsTwice', place, "cannot use both 'depends' and 'dependencies' in the same DAG template");
    for (const term of task.depends ? dependsTerms(task.depends) : []) {
      const problem = resultProblem(term);
      if (problem) add('DependsResultUnknown', `${place}.depends`, problem);
      if (!names.has(term.task))
        add(
          'DependencyNotFound',
          `${place}.depends`,
          `dependency '${term.task}' not defined`,
          didYouMean(term.task, names),
        );
    }
    for (const name of task.dependencies ?? [])
      if (!names.has(name))
        add('DependencyNotFound', `${place}.dependencies`, `dependency '${name}' not defined`, didYouMean(name, names));
  }
  validateTasks(template, path, add);
  const cycle = findCycle(tasks);
  if (cycle) add('DependencyCycle', `${path}.dag`, `dependency cycle detected: ${cycle.join(' -> ')}`);
}

function findCycle(tasks: readonly Task[]): readonly string[] | undefined {
  const edges = new Map(
    tasks.map((task) => [
      task.name,
      task.depends ? dependsTerms(task.depends).map((term) => term.task) : [...(task.dependencies ?? [])],
    ]),
  );
  const done = new Set<string>();
  for (const start of edges.keys()) {
    const path: string[] = [];
    const onPath = new Set<string>();
    const stack: { readonly name: string; next: number }[] = [{ name: start, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (!top) break;
      if (top.next === 0) {
        if (onPath.has(top.name)) return [...path.slice(path.indexOf(top.name)), top.name];
        if (done.has(top.name)) {
          stack.pop();
          continue;
        }
        path.push(top.name);
        onPath.add(top.name);
      }
      const child = edges.get(top.name)?.[top.next++];
      if (child !== undefined) stack.push({ name: child, next: 0 });
      else {
        stack.pop();
        path.pop();
        onPath.delete(top.name);
        done.add(top.name);
      }
    }
  }
  return undefined;
}

function validateCall(call: TemplateCall, place: string, templates: ReadonlyMap<string, Template>, add: Add): void {
  const ways = [call.template, call.templateRef, call.inline].filter((way) => way !== undefined);
  if (ways.length === 0) add('TemplateMissing', place, 'must specify template, templateRef or inline');
  if (call.template !== undefined && !call.template.includes('{{') && !templates.has(call.template)) {
    add(
      'TemplateNotFound',
      `${place}.template`,
      `template name '${call.template}' undefined`,
      didYouMean(call.template, templates.keys()),
    );
  }
  for (const [name, hook] of Object.entries(call.hooks ?? {})) {
    if (name !== 'exit' && !hook.expression) add('ExpressionMissing', `${place}.hooks.${name}`, 'Expression required');
  }
  validateCallArguments(call, call.template === undefined ? call.inline : templates.get(call.template), place, add);
  const loops = [call.withItems?.length ? 1 : undefined, call.withParam, call.withSequence].filter(
    (loop) => loop !== undefined && loop !== '',
  );
  if (loops.length > 1) add('LoopTwice', place, 'only one of withItems, withParam, withSequence may be used');
  if (call.withSequence && call.withSequence.count === undefined && call.withSequence.end === undefined)
    add('SequenceInvalid', `${place}.withSequence`, "must have exactly one of 'count' or 'end' specified");
}
