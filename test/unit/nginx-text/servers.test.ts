import { expect, it } from 'vitest';
import type { NetworkSubnets } from '../../../src/model/dns/name-doubts.ts';
import { readServers, type Server } from '../../../src/nginx-text/servers.ts';
import { goldenCases, renderCase } from '../../support/golden.ts';
import { type Directive, parseNginx } from '../../support/nginx-parser.ts';

function read(text: string) {
  const servers: Server[] = [];
  const networks: NetworkSubnets[] = [];
  const doubted: string[] = [];
  readServers(text, {
    server: (server) => servers.push(server),
    network: (network) => networks.push(network),
    doubted: (name) => doubted.push(name),
  });
  return { servers, networks, doubted };
}

/** With another parser. */
function endpointsIn(directives: readonly Directive[], parent = ''): string[] {
  return directives.flatMap(({ name, args, block }) => {
    if (block) return endpointsIn(block, name);
    return name === 'server' && parent === 'upstream' ? [args[0]!] : [];
  });
}

it.each(goldenCases)('the servers of %s are all servers of its upstreams', (name) => {
  const [{ text } = { text: '' }] = renderCase(name).files;

  expect(read(text).servers.map(({ name, port }) => `${name}:${port}`)).toEqual(
    endpointsIn(parseNginx(text)).map((endpoint) => endpoint.replace(/[[\]]/g, '')),
  );
});

it('names that nginx resolves are distinguished from addresses', () => {
  const text = 'upstream a { server "tasks.web.app:80" max_fails=0 resolve; server 10.0.0.9:81; }';

  expect(read(text).servers).toEqual([
    { name: 'tasks.web.app', port: 80, isResolved: true },
    { name: '10.0.0.9', port: 81, isResolved: false },
  ]);
});

it('comments name networks and names in doubt', () => {
  const text =
    'a;\n    # network app 10.0.1.0/24 10.0.2.0/24\n  # doubted tasks.web.app\n# Other words\nb; # network x 10.0.3.0/24\n';

  expect(read(text)).toMatchObject({
    networks: [
      { name: 'app', subnets: ['10.0.1.0/24', '10.0.2.0/24'] },
      { name: 'x', subnets: ['10.0.3.0/24'] },
    ],
    doubted: ['tasks.web.app'],
  });
});

it('comments name servers that only use UDP', () => {
  const udp: string[] = [];
  readServers('stream { # udp tasks.dns.app:53\n}', { server: () => undefined, udp: (endpoint) => udp.push(endpoint) });

  expect(udp).toEqual(['tasks.dns.app:53']);
});

it.each([
  ['a name in a map', 'map $host $x { server a:80; }'],
  ['a comment in quotes', 'a "\n# network app 10.0.1.0/24\n";'],
  ['a server block', 'server { listen 80; }'],
  ['an upstream in quotes', 'return 200 "upstream a { server b:80; }";'],
])('%s is not read as a server or a network', (_, text) => {
  expect(read(text)).toEqual({ servers: [], networks: [], doubted: [] });
});

it('text that nginx would reject is read up to the fault', () => {
  expect(read('upstream a { server b:80; server "c:80').servers).toHaveLength(1);
});
