import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { KubeObject } from '@sluice/model';
import { parse } from 'yaml';
import { type Case, expectJson, expectTrue, type Outcome } from '../suite.ts';
import {
  builtinType,
  decodeMessage,
  decodeProtobufBody,
  encodeEnvelope,
  encodeMessage,
  encodeProtobufBody,
  readEnvelope,
} from './subject.ts';

/** Cases of one kind: protobuf to JSON, JSON to the same protobuf bytes, YAML to the same value. */
export async function goldenCases(file: string): Promise<readonly Case[]> {
  const id = basename(file, '.pb');
  const bytes = await readFile(file);
  const want = JSON.parse(await readFile(file.replace(/pb$/u, 'json'), 'utf8')) as KubeObject;
  const yaml = await readFile(file.replace(/pb$/u, 'yaml'), 'utf8');
  const play = (): Outcome => {
    const decoded = decode(id, bytes);
    const first = expectJson(decoded, want);
    if (first.result !== 'passed') return first;
    const written = Buffer.from(encode(id, want));
    if (!written.equals(bytes)) return expectTrue(false, bytes.toString('hex'), written.toString('hex'));
    return expectJson(parse(yaml), want);
  };
  return [{ set: 'golden', id, play }];
}

/** WatchEvent is the one body without apiVersion and kind: its envelope is empty. */
function decode(id: string, bytes: Uint8Array): unknown {
  const type = builtinType('v1', 'WatchEvent');
  if (id.endsWith('.WatchEvent') && type) return decodeMessage(type, readEnvelope(bytes.subarray(4)).raw, 0);
  const decoded = decodeProtobufBody(bytes);
  return decoded.ok ? decoded.value : decoded.problems;
}

function encode(id: string, object: KubeObject): Uint8Array {
  const type = builtinType('v1', 'WatchEvent');
  return id.endsWith('.WatchEvent') && type
    ? encodeEnvelope('', '', encodeMessage(type, object))
    : encodeProtobufBody(object);
}
