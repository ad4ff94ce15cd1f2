import { createHmac } from 'node:crypto';
import { type Deliver, DeliveryRefused } from './outbox.ts';

const timeoutMs = 10_000;

/** Post webhooks over HTTP the way GitHub does: JSON body, event and delivery headers, HMAC of the body. */
export function createHttpDeliver(): Deliver {
  return async ({ url, secret, event, delivery, body }, signal) => {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Sluice-Forge',
        'x-github-event': event,
        'x-github-delivery': delivery,
        'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
      body,
    });
    if (response.ok) {
      await response.body?.cancel();
      return;
    }
    const text = await firstText(response);
    const message = `${url} answered ${response.status}: ${text}`;
    const retryable = response.status >= 500 || response.status === 408 || response.status === 429;
    throw retryable ? new Error(message) : new DeliveryRefused(message);
  };
}

/** The beginning of a body, so that a long one is not read. */
async function firstText({ body }: Response): Promise<string> {
  const reader = body?.getReader();
  if (!reader) return '';
  const { value } = await reader.read();
  await reader.cancel();
  return Buffer.from(value ?? [])
    .toString('utf8')
    .slice(0, 300);
}
