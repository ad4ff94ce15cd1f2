/** One step as the demo shows it. Times are milliseconds since the epoch, as they were seen. */
export type StepView = {
  readonly name: string;
  readonly phase: string;
  readonly startedMs?: number;
  readonly finishedMs?: number;
  readonly message?: string;
};

/** One run as the demo shows it. */
export type RunView = {
  readonly name: string;
  readonly title: string;
  readonly phase: string;
  readonly steps: readonly StepView[];
};

/** Where the demo tells its story: a live picture on a terminal, plain lines elsewhere, nothing in JSON mode. */
export type View = {
  /** A chapter of the story begins. */
  chapter(title: string): void;
  /** Something happened that is worth a line. */
  note(text: string): void;
  /** The present state of a run; called again at each change. */
  run(run: RunView): void;
  /** Part of a log, shown under the run. */
  log(title: string, text: string): void;
  /** What is being waited for now; replaces the former one, '' for nothing. */
  waiting(text: string): void;
  close(): void;
};

const marks: Readonly<Record<string, string>> = {
  Succeeded: '✔',
  Failed: '✖',
  Error: '✖',
  Running: '●',
  Skipped: '○',
  Omitted: '○',
};
const colours: Readonly<Record<string, string>> = {
  Succeeded: '\u001b[32m',
  Failed: '\u001b[31m',
  Error: '\u001b[31m',
  Running: '\u001b[36m',
};
const reset = '\u001b[0m';
const bold = '\u001b[1m';
const dim = '\u001b[2m';

/** Seconds with one decimal. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)}s`;
}

function stepText(step: StepView, now: number): string {
  if (step.phase === 'Omitted' || step.phase === 'Skipped') return `${marks[step.phase] ?? ''} ${step.name}`;
  const took =
    step.startedMs === undefined ? '' : ` ${seconds(Math.max(0, (step.finishedMs ?? now) - step.startedMs))}`;
  return `${marks[step.phase] ?? '◷'} ${step.name}${took}`;
}

/** Plain lines: one for each step that ends, nothing that has to be redrawn. */
export function plainView(write: (line: string) => void, now: () => number, colour: boolean): View {
  const told = new Set<string>();
  const paint = (style: string, text: string): string => (colour && style ? `${style}${text}${reset}` : text);
  return {
    chapter: (title) => write(`\n${paint(bold, title)}`),
    note: (text) => write(`  ${text}`),
    run: (run) => {
      for (const step of run.steps) {
        const key = `${run.name}/${step.name}/${step.phase}`;
        if (step.finishedMs === undefined || told.has(key)) continue;
        told.add(key);
        write(`    ${paint(colours[step.phase] ?? dim, `${stepText(step, now())} ${step.phase}`)}`);
      }
    },
    log: (title, text) => {
      write(`  ${paint(dim, title)}`);
      for (const line of text.trimEnd().split('\n')) write(`  ${paint(dim, '|')} ${line}`);
    },
    waiting: () => {},
    close: () => {},
  };
}

/** A terminal: finished lines scroll up, the run and what is waited for are redrawn below them. */
export function liveView(write: (text: string) => void, now: () => number, columns: () => number): View {
  let drawn = 0;
  let current: RunView | undefined;
  let waitingFor = '';
  const erase = (): void => {
    if (drawn > 0) write(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
  };
  const paint = (): void => {
    erase();
    const lines: string[] = [];
    if (current) lines.push(...runLines(current, now(), columns()));
    if (waitingFor) lines.push(`  ${dim}${spinner(now())} ${waitingFor}${reset}`);
    if (lines.length > 0) write(`${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  const above = (text: string): void => {
    erase();
    write(`${text}\n`);
    paint();
  };
  const keepRun = (): void => {
    if (!current) return;
    const lines = runLines(current, now(), columns());
    current = undefined;
    above(lines.join('\n'));
  };
  const timer = setInterval(paint, 120);
  timer.unref();
  return {
    chapter: (title) => {
      keepRun();
      above(`\n${bold}${title}${reset}`);
    },
    note: (text) => {
      if (current && current.phase !== 'Running' && current.phase !== 'Pending') keepRun();
      above(`  ${text}`);
    },
    run: (run) => {
      if (current && current.name !== run.name) keepRun();
      current = run;
      paint();
    },
    log: (title, text) => {
      keepRun();
      const lines = text.trimEnd().split('\n');
      above([`  ${dim}${title}${reset}`, ...lines.map((line) => `  ${dim}│${reset} ${line}`)].join('\n'));
    },
    waiting: (text) => {
      waitingFor = text;
      paint();
    },
    close: () => {
      clearInterval(timer);
      waitingFor = '';
      keepRun();
      erase();
    },
  };
}

/** Lines that fit the terminal: one that wrapped would be counted wrongly when it is drawn again. */
function runLines(run: RunView, now: number, columns: number): string[] {
  const steps = run.steps.map((step) => {
    const text = `    ${stepText(step, now)}`.slice(0, columns - 1);
    const isOmitted = step.phase === 'Omitted' || step.phase === 'Skipped';
    const message =
      step.message && !isOmitted ? ` ${step.message}`.slice(0, Math.max(0, columns - 1 - text.length)) : '';
    return `${colours[step.phase] ?? dim}${text}${reset}${dim}${message}${reset}`;
  });
  return [`  ${run.title} ${colours[run.phase] ?? ''}${run.phase}${reset}`, ...steps];
}

function spinner(now: number): string {
  return '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'[Math.floor(now / 120) % 10] ?? '';
}

/** Says nothing. */
export const silentView: View = { chapter() {}, note() {}, run() {}, log() {}, waiting() {}, close() {} };

export type ViewChoice = {
  readonly isTerminal: boolean;
  readonly colour: boolean;
  /** Width of the terminal now. */
  readonly columns: () => number;
  readonly write: (text: string) => void;
  readonly now: () => number;
};

/** The view that fits where the output goes. */
export function chooseView(choice: ViewChoice): View {
  if (choice.isTerminal) return liveView(choice.write, choice.now, choice.columns);
  return plainView((line) => choice.write(`${line}\n`), choice.now, choice.colour);
}
