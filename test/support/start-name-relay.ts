// Runs in nginx's container: the relay, in front of the DNS server of nginx-peer.mjs.
import { NameRelay } from '../../src/proxy/nginx/name-relay.ts';

await NameRelay.start({ server: { host: '127.0.0.1', port: 5353 } });
setInterval(() => undefined, 60_000);
