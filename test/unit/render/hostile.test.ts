import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isGrpc } from '../../../src/model/features/backend-protocol.ts';
import { featureUpstreams } from '../../../src/model/features/features.ts';
import { encodePath } from '../../../src/model/path.ts';
import { pathKind, patternText } from '../../../src/model/path-pattern.ts';
import type { Location, RouteTable, VirtualServer } from '../../../src/model/route-table/table.ts';
import { textFault } from '../../../src/nginx-text/check-text.ts';
import { permissionsOf } from '../../../src/nginx-text/permissions.ts';
import { RenderRequest } from '../../../src/protocol/render-messages.ts';
import { pathExpression } from '../../../src/render/expressions.ts';
import { render } from '../../support/golden.ts';
import { hostileLabels } from '../../support/hostile-labels.ts';
import { renderBeside } from '../../support/hostile-swarm.ts';
import { type Directive, findAll, parseNginx } from '../../support/nginx-parser.ts';
import { withPlainTexts } from '../../support/plain-routes.ts';

const runs = { numRuns: 300 };
const innocent = renderBeside();

/** Blocks of a kind as text, selected by their first line. */
function blocks(text: string, kind: 'server' | 'upstream', about: RegExp): string[] {
  return (
    [...text.matchAll(new RegExp(`^    ${kind}[^]*?^    }$`, 'gm'))]
      .map(([block]) => block)
      .filter((block) => about.test(block))
      // The first upstream sets the size of the shared memory.
      .map((block) => block.replace(/zone upstreams \d+k;/, 'zone upstreams;'))
  );
}

function expectedPaths(server: { locations: readonly Location[] } & Partial<VirtualServer>) {
  const { locations, pathRedirects = [], redirect, canonical } = server;
  if (redirect !== undefined || canonical !== undefined) return ['/'];
  const matching = [...new Set([...pathRedirects, ...locations].map(({ path }) => path))];
  const special = matching.filter((path) => pathKind(path) !== 'prefix');
  const paths = matching.flatMap((path) => {
    if (path === '') return ['/'];
    const text = patternText(path);
    if (pathKind(path) === 'exact' && !/.\/$/.test(text)) return [`= ${text}`];
    if (pathKind(path) !== 'prefix') return [`~ ${pathExpression(path)}`];
    return [...(special.includes(`=${path}`) ? [] : [`= ${path}`]), `${path}/`];
  });
  return matching.includes('') ? paths : [...paths, '/'];
}

function serverName({ host: { kind, name } }: RouteTable['servers'][number]): string {
  return kind === 'regex' ? `~^${name}$` : name;
}

function args(directives: Iterable<Directive>): string[] {
  return [...directives].map((directive) => directive.args.join(' '));
}

/** Exactly the table's content, and what every configuration has: status, and unknown hosts over HTTP and over TLS. */
function checkStructure(text: string, table: RouteTable): void {
  const main = parseNginx(text);
  const [http] = [...findAll(main, 'http')];
  const [stream] = [...findAll(main, 'stream')];
  const all = http!.block!.filter(({ name }) => name === 'server').slice(3);
  const endsTls = ({ block }: Directive) => args(findAll(block!, 'listen')).some((listener) => / ssl\b/.test(listener));
  const servers = all.filter((server) => !endsTls(server));
  const upstreams = http!.block!.filter(({ name }) => name === 'upstream');

  expect(
    main.map(({ name }) => name).filter((name) => ['http', 'events', 'stream', 'load_module'].includes(name)),
  ).toEqual(table.passthroughs.length > 0 ? ['events', 'http', 'stream'] : ['events', 'http']);
  const handedOn = stream?.block?.filter(({ name }) => name === 'upstream') ?? [];
  expect(args(handedOn)).toEqual(table.passthroughs.map(({ name }) => name));
  const secure = table.servers.filter(({ tls }) => tls.kind === 'terminated' || tls.kind === 'closed');
  const secureNames = all.filter(endsTls).map(({ block }) => args(findAll(block!, 'server_name'))[0]);
  expect(secureNames).toEqual(secure.map(serverName));
  expect(args(upstreams)).toEqual(table.upstreams.map(({ name }) => name));
  for (const [position, { peers }] of table.upstreams.entries()) {
    const endpoints = [...findAll(upstreams[position]!.block!, 'server')].map(({ args: [endpoint] }) => endpoint);
    // Repeated as the last resort, if failures are counted.
    expect([...new Set(endpoints)]).toEqual(peers.map(({ address, port }) => `${address}:${port}`));
  }
  expect(servers.map(({ block }) => args(findAll(block!, 'server_name'))[0])).toEqual(table.servers.map(serverName));
  for (const [position, server] of table.servers.entries()) {
    const locations = [...findAll(servers[position]!.block!, 'location')];
    const targets = server.locations.flatMap(({ upstream, options: { backendPath = '', protocol } }) => {
      // The path of a gRPC call is the method's name.
      const path = isGrpc(protocol) ? '' : encodePath(backendPath);
      return upstream === undefined ? [] : [upstream + path, `$again${path}`];
    });
    const passed = locations.flatMap(({ block }) => [
      ...findAll(block!, 'proxy_pass'),
      ...findAll(block!, 'grpc_pass'),
    ]);
    const asked = server.locations.flatMap(({ options }) => options.forwardAuth ?? []);
    const ours = asked.length > 0 ? String.raw`|= /\.signalbox-auth-[0-9a-f]{16}|@auth_denied_[0-9a-f]{16}` : '';
    const chosen = server.locations.some(({ match, weight }) => match || weight !== undefined)
      ? String.raw`|@match_[0-9a-f]{16}(?:_\d+)?|@unmatched|@unavailable`
      : '';
    const isOurs = ({ args }: Directive) =>
      new RegExp(String.raw`^(@again\d*|@grpc_\d+|= /\.signalbox-error${ours}${chosen})$`).test(args.join(' '));
    const askedUpstreams = server.locations.flatMap(({ options }) => featureUpstreams(options).map(({ name }) => name));
    expect(args(locations.filter((location) => !isOurs(location)))).toEqual(expectedPaths(server));
    for (const target of args(passed)) {
      const plain = target.replace(/^(\$again_scheme|[a-z]+):\/\//, '').replace(/\$rest\d+$/, '');
      if (targets.includes(plain)) continue;
      const [name = '', ...path] = plain.split(/(?=\/)/);
      expect(askedUpstreams).toContain(name);
      expect(asked.map((authenticator) => authenticator.target)).toContain(path.join(''));
    }
  }
}

/** Names, word counts and nesting, without the words. The order of neighbors depends on the words, so it is ignored. */
function shapeOf(directives: readonly Directive[], isMap = false): string[] {
  // The first upstream sets the size of the shared memory.
  const words = ({ name, args }: Directive) => (name === 'zone' ? 'some' : args.length);
  return directives
    .map((directive) => {
      // Entries of a map begin with their key, which may be a host.
      const name = isMap ? 'entry' : directive.name;
      const block =
        directive.block && shapeOf(directive.block, ['map', 'geo', 'split_clients'].includes(directive.name));
      return JSON.stringify([name, words(directive), block]);
    })
    .toSorted();
}

describe('a service with any labels at all', { timeout: 60_000 }, () => {
  it('gets exactly the directives, in number and nesting, that plain values would give', () => {
    fc.assert(
      fc.property(hostileLabels, (labels) => {
        for (const { text, input } of renderBeside(labels).clusters) {
          const plain = render({ ...input, routes: withPlainTexts(input.routes) }).files[0]!.text;

          expect(shapeOf(parseNginx(text))).toEqual(shapeOf(parseNginx(plain)));
        }
      }),
      runs,
    );
  });

  it('gets what its labels request, and nothing else', () => {
    fc.assert(
      fc.property(hostileLabels, (labels) => {
        for (const { text, table } of renderBeside(labels).clusters) checkStructure(text, table);
      }),
      runs,
    );
  });

  it('changes nothing of its neighbors', () => {
    fc.assert(
      fc.property(hostileLabels, (labels) => {
        // Any service may share a host. Another test covers the result.
        fc.pre(!Object.values(labels).some((value) => /alice|bob/i.test(value)));
        const { text } = renderBeside(labels).clusters[0]!;
        const before = innocent.clusters[0]!.text;

        for (const kind of ['server', 'upstream'] as const) {
          expect(blocks(text, kind, /alice|bob/)).toEqual(blocks(before, kind, /alice|bob/));
        }
      }),
      runs,
    );
    expect(blocks(innocent.clusters[0]!.text, 'server', /alice|bob/)).toHaveLength(2);
    expect(blocks(innocent.clusters[0]!.text, 'upstream', /alice|bob/)).toHaveLength(2);
  });

  it('never makes the controller or a proxy reject the complete configuration', () => {
    fc.assert(
      fc.property(hostileLabels, (labels) => {
        for (const { text, input } of renderBeside(labels).clusters) {
          expect(textFault(text, [], permissionsOf(input))).toBeUndefined();
        }
      }),
      runs,
    );
  });

  it('never makes the extension reject the complete message', () => {
    fc.assert(
      fc.property(hostileLabels, (labels) => {
        for (const { input } of renderBeside(labels).clusters) {
          const parsed = RenderRequest.safeParse(JSON.parse(JSON.stringify(input)));
          expect(parsed.error).toBeUndefined();
        }
      }),
      runs,
    );
  });

  it('gets problems of limited length that belong to it alone', () => {
    fc.assert(
      fc.property(hostileLabels, (labels) => {
        for (const problem of renderBeside(labels).problems) {
          expect(problem.service).toBe('mallory');
          expect(JSON.stringify(problem).length).toBeLessThan(4000);
        }
      }),
      runs,
    );
  });
});
