import { openStore } from '../src/lmdb-store.ts';

/** Child of the crash test: eight writers; each prints `writer counter` once its commit of two equal entries is acknowledged. */
const [directory = '', round = '0'] = process.argv.slice(2);
const store = await openStore({ directory, formatVersion: 1 });

async function write(writer: number): Promise<void> {
  for (let counter = 0; ; counter++) {
    const value = Buffer.from(`${round}.${counter}.${'x'.repeat(counter % 5_000)}`);
    await store.commit([
      { type: 'put', key: `left/${writer}`, value },
      { type: 'put', key: `log/${round}/${writer}/${counter}`, value: Buffer.from('1') },
      { type: 'put', key: `right/${writer}`, value },
    ]);
    process.stdout.write(`${writer} ${counter}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
