import { describe, expect, it } from 'vitest';
import { hostAndPort, listensOnIpv6 } from '../../../src/model/ipv6.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { splitEndpoint } from '../../../src/nginx-text/servers.ts';
import { NginxErrors } from '../../../src/proxy/backends/nginx-errors.ts';
import { aNode } from '../../support/builders.ts';

describe('the setting IPv6', () => {
  const nodes = (...addresses: readonly (string | undefined)[]) =>
    new Map(addresses.map((address, n) => [String(n), aNode(String(n), { address })]));
  const listens = (keys: object, ...addresses: readonly (string | undefined)[]) => {
    const { settings, problems } = parseSettings({ Extensions: { default: keys } }, '1');
    expect(problems).toEqual([]);
    return listensOnIpv6(settings.clusters[0]!, nodes(...addresses));
  };
  const isHost = { PublishMode: 'host' };

  it.each([
    ['a swarm over IPv6', isHost, ['2001:db8::1', 'fd00::2'], true],
    ['the routing mesh', {}, ['2001:db8::1'], false],
    ['a swarm over IPv4', isHost, ['192.0.2.1'], false],
    ['one node with IPv4', isHost, ['2001:db8::1', '192.0.2.1'], false],
    ['an unknown address', isHost, ['2001:db8::1', undefined], false],
    ['no nodes', isHost, [], false],
    ['true', { ...isHost, IPv6: true }, ['192.0.2.1'], true],
    ['"true"', { ...isHost, IPv6: 'true' }, ['192.0.2.1'], true],
    ['false', { ...isHost, IPv6: false }, ['2001:db8::1'], false],
    ['Auto', { ...isHost, IPv6: 'Auto' }, ['2001:db8::1'], true],
  ])('with %s', (_, keys, addresses, expected) => {
    expect(listens(keys, ...addresses)).toBe(expected);
  });

  it('is refused with other values', () => {
    const { problems } = parseSettings({ Extensions: { default: { IPv6: 'yes' } } }, '1');
    expect(problems).toMatchObject([{ label: 'Extensions.default.IPv6', reason: 'is not auto, true or false' }]);
  });
});

describe('an address with a port', () => {
  it.each([
    ['2001:db8::1', 80, '[2001:db8::1]:80'],
    ['192.0.2.1', 80, '192.0.2.1:80'],
    ['tasks.app', 8080, 'tasks.app:8080'],
  ])('%s and %i is written as %s, and read again', (host, port, written) => {
    expect(hostAndPort(host, port)).toBe(written);
    expect(splitEndpoint(written)).toEqual({ host, port });
  });

  it('is found in errors of nginx', () => {
    const found: [string, number][] = [];
    const errors = new NginxErrors((address, port) => void found.push([address, port]));
    errors.take('connect() failed while connecting to upstream, client: ::1, upstream: "http://[2001:db8::1]:80/x"\n');
    expect(found).toEqual([['2001:db8::1', 80]]);
  });
});
