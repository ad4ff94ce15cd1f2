import { cut, escapeMarkdown, logBlock } from './report-text.ts';

/** What the helm operator says about one pod that kept a release from being ready. */
export type PodFinding = {
  readonly pod: string;
  /** `container web waits: ImagePullBackOff (…)`. */
  readonly state: string;
  readonly lastEvent?: string;
  /** Whose log it is, and the end of it. */
  readonly log?: { readonly container: string; readonly lines: readonly string[] };
};

/** The message of a failed release, taken apart: helm's own words, then what was found out about the pods. */
export type FailureReason = { readonly words: readonly string[]; readonly pods: readonly PodFinding[] };

type OpenFinding = { pod: string; state: string; lastEvent?: string; log?: { container: string; lines: string[] } };

/** Take a failure's message apart. Lines of no known form stay among the words, so nothing is lost. */
export function parseFailureReason(text: string): FailureReason {
  const words: string[] = [];
  const pods: OpenFinding[] = [];
  for (const line of text.split('\n')) {
    const open = pods.at(-1);
    if (open && readDetail(line, open)) continue;
    const pod = /^pod (\S+): (.*)$/.exec(line);
    if (pod) pods.push({ pod: pod[1] ?? '', state: pod[2] ?? '' });
    else if (line.trim()) words.push(line);
  }
  return { words, pods };
}

function readDetail(line: string, open: OpenFinding): boolean {
  if (open.log && line.startsWith('    ')) {
    open.log.lines.push(line.slice(4));
    return true;
  }
  const event = /^ {2}last event: (.*)$/.exec(line);
  if (event) open.lastEvent = event[1] ?? '';
  const log = /^ {2}last log lines of (.+):$/.exec(line);
  if (log) open.log = { container: log[1] ?? '', lines: [] };
  return Boolean(event ?? log);
}

/** One line for a title: helm's first line without the words that helm and the operator put before it, and the first pod's state. */
export function shortReason({ words, pods }: FailureReason): string {
  const first = (words[0] ?? '')
    .replace(/^Helm [a-z]+ failed for release \S+(?: with chart \S+)?: /, '')
    .replace(/^[A-Z]+ FAILED: /, '')
    .replace(/^(?:resource )?(\S+) not ready\. status: .*$/, '$1 not ready');
  return [first, pods[0]?.state].filter(Boolean).join(', ');
}

/** Helm's words as a paragraph; a long message (a rendered manifest, a stack) as a block. */
export function describeWords({ words }: FailureReason, max: number): string {
  const [first = '', ...rest] = words;
  if (rest.length <= 2) return escapeMarkdown(cut(words.join('; '), max));
  return `${escapeMarkdown(cut(first, max))}\n\n${logBlock(rest.join('\n'), max)}`;
}

/** The pods that were found wanting, each with its last event and the end of its log. Empty when there are none. */
export function describePods({ pods }: FailureReason, max: number): string {
  return pods
    .map(({ pod, state, lastEvent, log }) => {
      const event = lastEvent === undefined ? '' : `. Last event: ${escapeMarkdown(lastEvent)}`;
      const line = `Pod ${escapeMarkdown(pod)}: ${escapeMarkdown(state)}${event}`;
      if (!log || log.lines.length === 0) return line;
      const where = `The end of the log of ${escapeMarkdown(log.container)}:`;
      return `${line}. ${where}\n\n${logBlock(log.lines.join('\n'), max)}`;
    })
    .join('\n\n');
}
