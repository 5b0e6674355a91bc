// Runs in nginx's container: the agent's name watch, in front of the DNS server of nginx-peer.mjs.
import { readFile, writeFile } from 'node:fs/promises';
import { DnsClient } from '../../src/proxy/nginx/dns-client.ts';
import { NameWatch } from '../../src/proxy/nginx/name-watch.ts';
import { readServersInUse } from '../../src/proxy/nginx/servers-in-use.ts';

const dns = new DnsClient({ server: { host: '127.0.0.1', port: 5353 } });

async function* texts() {
  yield { text: await readFile('/tmp/nginx.conf', 'utf8') };
}

const watch = new NameWatch({
  read: async () => (await readServersInUse(texts())).names,
  query: (name) => dns.query(name),
  now: () => performance.now(),
});
watch.onChange = () => void writeFile('/tmp/doubts', JSON.stringify(watch.doubts?.names ?? []));
setInterval(() => undefined, 60_000);
await watch.run(new AbortController().signal);
