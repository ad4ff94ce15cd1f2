/** `node tools/terminal-svg/src/main.ts TITLE < text > picture.svg` */
import { text } from 'node:stream/consumers';
import { renderTerminal } from './render.ts';

process.stdout.write(renderTerminal(await text(process.stdin), process.argv[2] ?? 'terminal'));
