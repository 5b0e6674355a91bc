import { placesOf } from './containers.ts';
import { demo } from './interlock.ts';

/**
 * Between the containers of a task and Docker's DNS: answers that one name does not exist, and passes on all other
 * queries.
 */
const program = `
const { createSocket } = require('node:dgram');
const { NAME, PORT } = process.env;
const labels = Buffer.concat([...NAME.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.of(0)]);
const lower = (bytes) => bytes.toString('latin1').toLowerCase();
const server = createSocket('udp4');
server.on('message', (query, { port, address }) => {
  if (lower(query.subarray(12, 12 + labels.length)) === lower(labels)) {
    const denial = Buffer.from(query);
    denial.set([0x81, 0x83], 2);
    return server.send(denial, port, address);
  }
  const client = createSocket('udp4');
  client.on('error', () => undefined);
  client.on('message', (answer) => server.send(answer, port, address));
  client.send(query, Number(PORT), '127.0.0.11');
  setTimeout(() => client.close(), 2000);
});
server.bind(5399, '127.0.0.1');
`;

/**
 * The engine's resolver listens on its own port, and the engine redirects queries there. For an open socket the kernel
 * keeps the target of its first query. So for a while those queries are refused, until all sockets have been reopened.
 */
const divert = `
pid=$(docker inspect --format '{{.State.Pid}}' "$1")
inside() { nsenter --target "$pid" --net "$@"; }
port=$(inside iptables -w -t nat -S DOCKER_OUTPUT | sed -n 's/.*-p udp.*--to-destination 127.0.0.11:\\([0-9]*\\).*/\\1/p')
docker run --detach --name "denies-$1" --network "container:$1" --user 0 --no-healthcheck --env NAME="$2" --env PORT="$port" --entrypoint node "$3" --eval "$4"
for second in $(seq 60); do grep -q ' 0100007F:1517 ' "/proc/$pid/net/udp" && break; sleep 1; done
inside iptables -w -t nat -I OUTPUT -p udp -d 127.0.0.11 --dport 53 -j DNAT --to-destination 127.0.0.1:5399
inside iptables -w -I OUTPUT -p udp -d 127.0.0.11 -j REJECT
sleep 10
inside iptables -w -D OUTPUT -p udp -d 127.0.0.11 -j REJECT
`;

const restore = `
pid=$(docker inspect --format '{{.State.Pid}}' "$1")
nsenter --target "$pid" --net iptables -w -t nat -D OUTPUT -p udp -d 127.0.0.11 --dport 53 -j DNAT --to-destination 127.0.0.1:5399
docker rm --force "denies-$1"
`;

/**
 * Makes Docker's DNS deny a name to all tasks of a service, as some engines do although the name's tasks are running
 * (moby issue 53141), until it is disposed of.
 */
export async function denyName(name: string, service: string): Promise<AsyncDisposable> {
  const found = await placesOf(service);
  const onEach = (script: string, ...words: string[]) =>
    Promise.all(
      found.map(async ({ node, id }) => {
        const code = await node.exec('sh', '-ec', script, 'sh', id, ...words);
        if (code !== 0) throw new Error(`Changing the DNS of ${service} on ${node.name} failed (${code}).`);
      }),
    );
  let isDenied = true;
  const denial = {
    async [Symbol.asyncDispose]() {
      if (isDenied) await onEach(restore);
      isDenied = false;
    },
  };
  try {
    await onEach(divert, name, demo, program);
  } catch (error) {
    await onEach(`docker rm --force "denies-$1"`);
    throw error;
  }
  return denial;
}
