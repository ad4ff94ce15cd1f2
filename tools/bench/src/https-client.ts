import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';

/** The least that speaks HTTPS over kept connections. */
export class HttpsClient {
  /** The highest resource version in an answer so far. */
  lastVersion = 1;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: Agent;

  constructor(url: string, token: string, ca: string) {
    this.#url = url;
    this.#headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    this.#agent = new Agent({ keepAlive: true, ca, maxSockets: 1_000 });
  }

  /** POST; rejects unless the answer is 201. */
  async post(path: string, body: string): Promise<void> {
    const response = await this.#send('POST', path, body);
    let text = '';
    for await (const part of response) text += String(part);
    if (response.statusCode !== 201) throw new Error(`POST ${path}: ${response.statusCode} ${text.slice(0, 300)}`);
    const version = Number(/"resourceVersion":"(\d+)"/u.exec(text)?.[1]);
    if (version > this.lastVersion) this.lastVersion = version;
  }

  get(path: string): Promise<IncomingMessage> {
    return this.#send('GET', path);
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, body?: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request(`${this.#url}${path}`, { method, agent: this.#agent, headers: this.#headers }, resolve);
      sent.once('error', reject);
      sent.end(body);
    });
  }
}
