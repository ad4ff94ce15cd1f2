import { createReadStream, createWriteStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { JsonObject } from '@sluice/model';
import { ArtifactError, textOf } from '../artifact-error.ts';
import type { ArtifactLimits } from '../limits.ts';
import { type Driver, type DriverContext, isObject, requiredField, secretField, textField } from './driver.ts';
import { checkStatus, type Outgoing, sendRequest, shown } from './http-request.ts';

/** `http` and `artifactory`: GET to load, PUT to save. */
export const httpDriver: Driver = {
  async load(settings, target, context) {
    const outgoing = await outgoingOf('GET', settings, context);
    const response = await sendRequest(outgoing);
    checkStatus(response, outgoing.url);
    try {
      await pipeline(response, capped(context.limits), createWriteStream(target, { flags: 'w', mode: 0o644 }));
    } catch (error) {
      if (error instanceof ArtifactError || context.signal.aborted) throw error;
      throw new ArtifactError('transient', `${shown(outgoing.url)}: ${textOf(error)}`, { cause: error });
    }
  },
  async save(settings, source, context) {
    const stat = await lstat(source);
    if (!stat.isFile()) throw new ArtifactError('refused', 'a directory cannot be sent by HTTP; archive it');
    const body = { stream: () => createReadStream(source), length: stat.size };
    const outgoing = { ...(await outgoingOf('PUT', settings, context)), body };
    const response = await sendRequest(outgoing);
    checkStatus(response, outgoing.url);
    response.resume();
  },
};

async function outgoingOf(method: string, settings: JsonObject, context: DriverContext): Promise<Outgoing> {
  const text = requiredField(settings, 'url', 'http');
  if (!URL.canParse(text)) throw new ArtifactError('refused', 'http.url is not a URL');
  const url = new URL(text);
  const headers: Record<string, string> = {};
  for (const header of Array.isArray(settings['headers']) ? (settings['headers'] as unknown[]) : [])
    if (isObject(header)) headers[(textField(header, 'name') ?? '').toLowerCase()] = textField(header, 'value') ?? '';
  const auth = isObject(settings['auth']) ? settings['auth'] : {};
  const { resolveHost, signal } = context;
  const certificate = isObject(auth['clientCert']) ? auth['clientCert'] : undefined;
  const cert = certificate && (await secretField(certificate, 'clientCertSecret', context));
  const key = certificate && (await secretField(certificate, 'clientKeySecret', context));
  return {
    method,
    url,
    headers,
    credentials: await credentialsOf(settings, auth, context),
    ...(cert !== undefined && key !== undefined ? { clientCertificate: { cert, key } } : {}),
    resolveHost,
    signal,
  };
}

async function credentialsOf(
  settings: JsonObject,
  auth: JsonObject,
  context: DriverContext,
): Promise<Record<string, string>> {
  const basic = isObject(auth['basicAuth']) ? auth['basicAuth'] : settings;
  const user = await secretField(basic, 'usernameSecret', context);
  const password = await secretField(basic, 'passwordSecret', context);
  if (user !== undefined || password !== undefined)
    return { authorization: `Basic ${Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64')}` };
  if (isObject(auth['oauth2'])) return { authorization: `Bearer ${await accessToken(auth['oauth2'], context)}` };
  return {};
}

const maxTokenBytes = 65_536;

/** The client credentials grant of OAuth 2. */
async function accessToken(oauth2: JsonObject, context: DriverContext): Promise<string> {
  const id = (await secretField(oauth2, 'clientIDSecret', context)) ?? '';
  const secret = (await secretField(oauth2, 'clientSecretSecret', context)) ?? '';
  const address = await secretField(oauth2, 'tokenURLSecret', context);
  if (address === undefined || !URL.canParse(address))
    throw new ArtifactError('refused', 'oauth2.tokenURLSecret does not lead to a URL');
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  const { scopes, endpointParams } = oauth2;
  if (Array.isArray(scopes) && scopes.length > 0) form.set('scope', scopes.join(' '));
  for (const parameter of Array.isArray(endpointParams) ? (endpointParams as unknown[]) : [])
    if (isObject(parameter)) form.append(textField(parameter, 'key') ?? '', textField(parameter, 'value') ?? '');
  const basic = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64');
  const url = new URL(address);
  const response = await sendRequest({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    credentials: { authorization: `Basic ${basic}` },
    body: { text: form.toString() },
    resolveHost: context.resolveHost,
    signal: context.signal,
  });
  checkStatus(response, url);
  let text = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    if (text.length > maxTokenBytes) throw new ArtifactError('refused', `${shown(url)}: the answer is too long`);
  }
  const token = tokenIn(text);
  if (token === undefined) throw new ArtifactError('refused', `${shown(url)}: the answer holds no access_token`);
  return token;
}

function tokenIn(text: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return isObject(answer) ? textField(answer, 'access_token') : undefined;
  } catch {
    return undefined;
  }
}

/** Passes bytes on and fails beyond the limit. */
export function capped({ maxBytes }: ArtifactLimits) {
  return async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let length = 0;
    for await (const chunk of chunks) {
      length += chunk.length;
      if (length > maxBytes) throw new ArtifactError('refused', `it has more than ${maxBytes} bytes`);
      yield chunk;
    }
  };
}
