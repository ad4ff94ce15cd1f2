import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What containerd starts beside a container to take its output: descriptor 3 is stdout, 4 is stderr, 5 is closed to say that it
 * is ready. It ends when both have ended, whatever it is told before: the last line must not be lost.
 */
const script = `#!/bin/sh
trap '' TERM
while [ $# -gt 1 ]; do
  case $1 in out) out=$2 ;; err) err=$2 ;; esac
  shift 2
done
cat <&3 >"$out" 3<&- 4<&- 5>&- &
cat <&4 >"$err" 3<&- 4<&- 5>&- &
exec 3<&- 4<&- 5>&-
wait
`;

/** Write the program; returns what makes the log address of a container from the places where its streams go. */
export function logProgram(directory: string): (out: string, err: string) => string {
  const path = join(directory, 'containerd-log.sh');
  writeFileSync(path, script, { mode: 0o755 });
  return (out, err) => `binary://${encodeURI(path)}?${new URLSearchParams({ out, err }).toString()}`;
}
