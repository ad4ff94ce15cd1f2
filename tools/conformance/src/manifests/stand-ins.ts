import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageConfig, ImagePort } from '@sluice/node-agent';
import { FakeImages } from '@sluice/node-agent/testing';

/** What the README of the corpus says of `argosay`, written anew. */
const argosay = `#!/bin/sh
set -eu
case "\${1-echo}" in
  echo)
    if [ "$#" -le 1 ]; then echo 'hello argo'
    elif [ "$#" -eq 2 ]; then printf '%s\\n' "$2"
    else mkdir -p "$(dirname "$3")"; printf '%s\\n' "$2" > "$3"; sleep 0.1
    fi ;;
  cat) cat "$2" ;;
  sleep) sleep "$2" ;;
  exit) exit "\${2-0}" ;;
  assert_contains) grep -F -- "$3" "$2" ;;
  sh) sh "$2" ;;
  *) exit 1 ;;
esac
`;

const cowsay = `#!/bin/sh
echo "$*"
`;

/** A web server that answers every request; the only part of nginx that is needed. */
const nginx = `#!/bin/sh
exec node -e 'const { createServer } = require("node:http");
const server = createServer((_, response) => response.end("welcome\\n"));
server.on("error", (error) => { console.error(String(error)); process.exit(1); });
server.listen(80, process.env.POD_IP || "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
process.on("SIGQUIT", () => process.exit(0));'
`;

/** Commands by the last part of an image's name, where the container names none. */
const commands: Readonly<Record<string, ImageConfig>> = {
  'argosay:v1': { cmd: ['cowsay'] },
  nginx: { cmd: ['nginx'] },
  python: { cmd: ['python'] },
  alpine: { cmd: ['sh'] },
  busybox: { cmd: ['sh'] },
  debian: { cmd: ['bash'] },
  ubuntu: { cmd: ['bash'] },
};

/** Fill a directory with the commands that the images bring. */
export function makeStandInCommands(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries({ argosay, cowsay, nginx })) {
    writeFileSync(join(directory, name), text);
    chmodSync(join(directory, name), 0o755);
  }
  symlinkSync(process.execPath, join(directory, 'node'));
  symlinkSync('/usr/bin/python3', join(directory, 'python'));
  // The images' shells know more than the smallest ones: [[ ]] and $RANDOM.
  symlinkSync('/bin/bash', join(directory, 'sh'));
}

/** Images for which tools of this machine stand in; argosay's own has its program at the top too, as upstream's. */
export async function standInImages(): Promise<ImagePort> {
  const images = new FakeImages();
  const entries = [{ name: 'argosay', text: argosay, mode: 0o755 }];
  await images.add('registry/argosay', { entrypoint: ['argosay'] }, [entries]);
  return {
    resolve: (reference) => {
      const last = reference.split('/').at(-1) ?? '';
      if (last === 'argosay:v2') return images.resolve('registry/argosay');
      const config = commands[last] ?? commands[last.split(':')[0] ?? ''];
      return Promise.resolve(config ? { standIn: true, config } : 'foreign');
    },
    openLayer: (image, layer) => images.openLayer(image, layer),
  };
}
