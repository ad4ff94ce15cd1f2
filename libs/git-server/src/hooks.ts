import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * post-receive: git feeds "old new ref" lines once the refs have moved. They are kept in a file of the repository before
 * the pusher is answered, so that a push that moved refs is announced even when this process dies in the same moment.
 */
const postReceive = `#!/bin/sh
file=$SLUICE_SPOOL/$SLUICE_PUSH
cat > "$file.part" && { sync "$file.part" 2>/dev/null || sync; } && mv "$file.part" "$file.push"
exit 0
`;

/**
 * proc-receive: git speaks a packet protocol with this hook for refs/for/*. The hook only joins it to the pipes 3
 * (packets, both ways) and 4 (text for the pusher) that the server opened, so no program is started for a pull request.
 */
const procReceive = `#!/bin/sh
cat <&4 >&2 &
cat <&3 &
cat >&3
wait
`;

/** Write the hook directory that `core.hooksPath` names. */
export async function writeHooks(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, text] of [
    ['post-receive', postReceive],
    ['proc-receive', procReceive],
  ] as const) {
    const file = join(directory, name);
    await writeFile(file, text, { mode: 0o755 });
    await chmod(file, 0o755);
  }
}
