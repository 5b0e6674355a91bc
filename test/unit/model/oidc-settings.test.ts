import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { aService } from '../../support/builders.ts';
import { ControllerWorld } from '../../support/controller-world.ts';

const good = { Issuer: 'https://id.example.org/realm', ClientId: 'signalbox', Groups: { team: 'operator' } };
const parse = (oidc: unknown) => parseSettings({ Oidc: oidc }, '1.0.0');

describe('[Oidc]', () => {
  it('is read case-insensitively, with defaults, and with group names unchanged', () => {
    const { settings, problems } = parseSettings(
      { oidc: { issuer: good.Issuer, CLIENTID: 'signalbox', groups: { 'The Team': 'administrator' } } },
      '1.0.0',
    );
    expect(problems).toEqual([]);
    expect(settings.oidc).toEqual({
      Issuer: good.Issuer,
      ClientId: 'signalbox',
      ClientSecret: '',
      CA: '',
      Scopes: ['openid', 'profile', 'email'],
      GroupsClaim: 'groups',
      Groups: { 'The Team': 'administrator' },
    });
    expect(parseSettings({}, '1.0.0').settings.oidc).toBeUndefined();
  });

  it.each([
    ['Oidc', 'a string'],
    ['Oidc.Issuer', { ClientId: 'signalbox' }],
    ['Oidc.ClientId', { Issuer: good.Issuer }],
    ['Oidc.Issuer', { ...good, Issuer: 'http://id.example.org' }],
    ['Oidc.Issuer', { ...good, Issuer: 'https://user:password@id.example.org' }],
    ['Oidc.Issuer', { ...good, Issuer: 'http://localhost.evil.example' }],
    ['Oidc.ClientSecret', { ...good, ClientSecret: 'signalbox.controller' }],
    ['Oidc.Groups', { ...good, Groups: { team: 'root' } }],
    ['Oidc.Scopes', { ...good, Scopes: ['a b'] }],
    ['Oidc.issuers', { ...good, Issuers: [] }],
  ])('with an invalid value lets no user in: %s', (label, oidc) => {
    const { settings, problems } = parse(oidc);
    expect(settings.oidc).toBeUndefined();
    expect(problems).toMatchObject([{ severity: 'error', label }]);
  });

  it('allows an issuer without TLS on this machine', () => {
    expect(parse({ ...good, Issuer: 'http://127.0.0.1:4000' }).settings.oidc).toBeDefined();
  });
});

it("No label attaches one of the controller's secrets to the proxies", async () => {
  const settings = { UsersSecret: 'users-1', Oidc: { ...good, ClientSecret: 'client', CA: 'shop_ca' } };
  const world = new ControllerWorld({ settings });
  for (const name of ['users-1', 'client', 'shop_ca', 'fine'])
    await world.swarm.createSecret({ name, labels: {}, data: 'x' });
  for (const secret of ['users-1', 'client', 'shop_ca', 'fine'])
    world.swarm.deploy(aService(secret, { host: `${secret}.example.org`, lb: { ssl_cert: secret, ssl_key: secret } }));
  const desired = buildDesiredState(await world.swarm.observe(), world.settings);
  expect(desired.clusters[0]!.secrets.map(({ name }) => name)).toEqual(['fine']);
  const refused = desired.problems.filter(({ severity }) => severity === 'error').map(({ service }) => service);
  expect(new Set(refused)).toEqual(new Set(['users-1', 'client', 'shop_ca']));
});
