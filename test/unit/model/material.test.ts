import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { judgmentTime } from '../../../src/model/secrets/judge-secrets.ts';
import type { CertificateFacts, SecretFacts } from '../../../src/model/secrets/secret-facts.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../../support/builders.ts';
import { certificateFacts, secretFacts } from '../../support/facts.ts';

const { settings } = parseSettings({}, '1');
const now = Date.parse('2026-06-01T00:00:00Z');

const aCertificate = (more: Partial<CertificateFacts> = {}) => certificateFacts({ publicKey: 'own', ...more });
const aSecret = (name: string, more: Partial<SecretFacts> = {}) =>
  secretFacts(name, { certificates: [aCertificate()], ...more });
const ownKey = { kind: 'plain', publicKey: 'own' } as const;
const aKey = (key: SecretFacts['key'] = ownKey) => aSecret('key', { certificates: [], key });
const labels = { ssl_cert: 'cert', ssl_key: 'key' };

/** The result for a service with these labels if its secrets contain this. */
function judge(facts: readonly SecretFacts[], lb: Readonly<Record<string, string>> = labels, host = 'app.example.org') {
  const secrets = ['cert', 'key', 'ca', 'crl'].map((name) => ({ id: name, name, createdAt: '', labels: {} }));
  const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
  const snapshot = { services: [aService('app', { host, lb })], networks: [aNetwork('app')], secrets, ...nothing };
  const material = { facts: new Map(facts.map((each) => [each.name, each])), now };
  const { clusters, problems } = buildDesiredState(snapshot, settings, [], material);
  const [state] = clusters;
  return {
    problems,
    attached: state!.secrets.map(({ name }) => name),
    tls: state!.routes.map(({ tls }) => tls),
    hosts: state!.routes.map(({ hosts, tls, backend }) => [
      hosts.map(({ name }) => name).join(),
      tls.kind,
      backend.kind,
    ]),
  };
}

const open = [['app.example.org', 'terminated', 'peers']];
const shut = [['app.example.org', 'closed', 'unavailable']];

describe('material that is valid, or not known yet', () => {
  it.each([
    ['nothing is known', []],
    ['only the certificate is known', [aSecret('cert')]],
    ['only the key is known', [aKey()]],
    ['all is valid', [aSecret('cert'), aKey()]],
  ])('is used without a problem: %s', (_, facts) => {
    expect(judge(facts)).toMatchObject({ problems: [], attached: ['cert', 'key'], hosts: open });
  });

  it('may be in one secret', () => {
    expect(judge([aSecret('cert', { key: ownKey })], { ssl_cert: 'cert' }).problems).toEqual([]);
  });
});

describe('invalid material', () => {
  const past = { from: '2025-01-01T00:00:00.000Z', until: '2026-05-31T00:00:00.000Z' };
  const future = { from: '2026-06-02T00:00:00.000Z' };
  const certificates = (...more: Partial<CertificateFacts>[]) =>
    aSecret('cert', { certificates: more.map(aCertificate) });
  const hidden = 'secret cert has text before BEGIN on the same line, so OpenSSL ignores the block';
  const rejected = (reason: string) => `the certificate in secret cert is rejected: ${reason}`;
  const broken = (reason: string) => aSecret('cert', { isBroken: true, rejected: reason });
  it.each([
    ['secret cert contains no certificate', 'ssl_cert', [aSecret('cert', { certificates: [] }), aKey()]],
    ['secret cert contains no certificate', 'ssl_cert', [aSecret('cert', { rejected: 'no start line' }), aKey()]],
    [hidden, 'ssl_cert', [aSecret('cert', { rejected: 'no start line', hidesBlocks: true }), aKey()]],
    [hidden, 'ssl_cert', [{ ...certificates({ publicKey: 'ca' }), hidesBlocks: true }, aKey()]],
    [
      'secret cert contains a certificate that cannot be read',
      'ssl_cert',
      [aSecret('cert', { isBroken: true }), aKey()],
    ],
    [rejected('an END line is missing, or is followed by other text'), 'ssl_cert', [broken('bad end line'), aKey()]],
    [rejected('the key is too short'), 'ssl_cert', [broken('ee key too small'), aKey()]],
    [rejected('OpenSSL reports "unexpected eoc"'), 'ssl_cert', [broken('unexpected eoc'), aKey()]],
    [
      'the certificate in secret cert has a key of type secp256k1, which TLS clients do not support',
      'ssl_cert',
      [certificates({ keyType: 'secp256k1' }), aKey()],
    ],
    ['secret key contains no private key', 'ssl_key', [aSecret('cert'), aKey({ kind: 'none' })]],
    ['the private key in secret key is encrypted', 'ssl_key', [aSecret('cert'), aKey({ kind: 'encrypted' })]],
    [
      'the private key in secret key cannot be read',
      'ssl_key',
      [aSecret('cert'), aKey({ kind: 'unreadable', reason: 'unsupported' })],
    ],
    [
      'the private key in secret key does not match the certificate in secret cert',
      'ssl_key',
      [aSecret('cert'), aKey({ kind: 'plain', publicKey: 'other' })],
    ],
    [
      'the leaf certificate is not the first one in secret cert',
      'ssl_cert',
      [certificates({ publicKey: 'ca' }, {}), aKey()],
    ],
    ['the certificate in secret cert expired on 2026-05-31', 'ssl_cert', [certificates(past), aKey()]],
    ['the certificate in secret cert is not valid before 2026-06-02', 'ssl_cert', [certificates(future), aKey()]],
  ])('closes its host with one problem, and stays attached: %s', (reason, label, facts) => {
    const { problems, attached, hosts } = judge(facts);

    const value = labels[label as keyof typeof labels];
    expect(problems).toMatchObject([
      { severity: 'error', service: 'app', label: `com.docker.lb.${label}`, value, reason },
    ]);
    expect(hosts).toEqual(shut);
    expect(attached).toEqual(['cert', 'key']);
  });

  it('names the secret if certificate and key are in one', () => {
    expect(judge([aSecret('cert')], { ssl_cert: 'cert' }).problems).toMatchObject([
      { label: 'com.docker.lb.ssl_cert', value: 'cert', reason: 'secret cert contains no private key' },
    ]);
  });

  it.each([
    ['app.example.org', ['app.example.org'], []],
    ['app.example.org', ['*.example.org'], []],
    ['*.example.org', ['*.example.org'], []],
    ['~^a.*$', ['app.example.org'], []],
    ['app.example.org', ['example.org', '*.org', '*.app.example.org'], ['app.example.org']],
    ['*.example.org', ['app.example.org'], ['*.example.org']],
    ['a.example.org,b.example.org', ['a.example.org'], ['b.example.org']],
    ['a.foo.com', ['*.foo.com'], []],
    ['a.b.foo.com', ['*.foo.com'], ['a.b.foo.com']],
    ['a.b.foo.com', ['*.b.foo.com'], []],
    ['foo.com', ['*.foo.com'], ['foo.com']],
    ['*.b.foo.com', ['*.foo.com'], ['*.b.foo.com']],
    ['web1.foo.com', ['web*.foo.com'], ['web1.foo.com']],
    ['APP.Example.ORG.', ['app.example.org'], []],
    ['größe.example.org', ['xn--gre-6ka8i.example.org'], []],
    ['größe.example.org', ['größe.example.org'], ['xn--gre-6ka8i.example.org']],
    ['10.20.30.40', ['10.20.30.40'], ['10.20.30.40']],
  ])('closes the hosts that it does not cover, and no others: %s by %s', (host, names, uncovered) => {
    const { problems, hosts } = judge(
      [aSecret('cert', { certificates: [aCertificate({ names })] }), aKey()],
      labels,
      host,
    );

    const reason = 'the certificate in secret cert does not cover all hosts that use it';
    expect(problems.map(({ reason }) => reason)).toEqual(uncovered.length === 0 ? [] : [reason]);
    expect(problems.flatMap(({ affects }) => affects![0]!.routes)).toEqual(uncovered.map((name) => `${name}/`));
    const closed = hosts.filter(([, kind]) => kind === 'closed').map(([name]) => name);
    expect(closed).toEqual(uncovered.length > 0 ? [uncovered.join()] : []);
  });

  it('closes no host if there are too many names to report', () => {
    const certificate = aCertificate({ names: ['a.example.org'], hasAllNames: false });

    expect(judge([aSecret('cert', { certificates: [certificate] }), aKey()])).toMatchObject({
      problems: [],
      hosts: open,
    });
  });

  it('keeps the default backend for unknown hosts', () => {
    const { hosts } = judge([aSecret('cert'), aKey()], { ...labels, default_backend: 'true' }, 'other.example.org');

    expect(hosts.toSorted()).toEqual([
      ['', 'terminated', 'peers'],
      ['other.example.org', 'closed', 'unavailable'],
    ]);
  });
});

describe('an invalid CA', () => {
  const clients = { ...labels, ssl_client_ca: 'ca' };
  const backend = { ssl_backend: 'true', ssl_backend_ca: 'ca' };
  const bad = [
    ['secret ca contains no certificate', aSecret('ca', { certificates: [] })],
    ['secret ca contains a certificate that cannot be read', aSecret('ca', { certificates: [], isBroken: true })],
    [
      'the CA in secret ca is rejected: OpenSSL reports "no certificate or crl found"',
      aSecret('ca', { rejectedAuthority: 'no certificate or crl found' }),
    ],
    [
      'the certificate in secret ca expired on 2026-05-31',
      aSecret('ca', { certificates: [aCertificate({ until: '2026-05-31T00:00:00.000Z' })] }),
    ],
  ] as const;

  it.each(bad)('closes hosts that require client certificates: %s', (reason, ca) => {
    const { problems, hosts, attached } = judge([aSecret('cert'), aKey(), ca], clients);

    expect(problems).toMatchObject([{ severity: 'error', label: 'com.docker.lb.ssl_client_ca', value: 'ca', reason }]);
    expect(hosts).toEqual(shut);
    expect(attached).toEqual(['ca', 'cert', 'key']);
  });

  it.each(bad)('closes routes to verified services: %s', (reason, ca) => {
    const { problems, hosts, attached } = judge([ca], backend);

    expect(problems).toMatchObject([{ severity: 'error', label: 'com.docker.lb.ssl_backend_ca', value: 'ca', reason }]);
    expect(hosts).toEqual([['app.example.org', 'none', 'unavailable']]);
    expect(attached).toEqual(['ca']);
  });

  it('is valid as long as one of its certificates is', () => {
    const certificates = [aCertificate({ until: '2026-05-31T00:00:00.000Z' }), aCertificate()];

    expect(judge([aSecret('ca', { certificates })], backend).problems).toEqual([]);
  });
});

describe('a revocation list', () => {
  const clients = { ...labels, ssl_client_ca: 'ca', ssl_client_crl: 'crl' };
  const lists = { count: 1, isBroken: false, from: '2026-05-01T00:00:00.000Z' };
  const aList = (until: string, more: Partial<SecretFacts> = {}) =>
    secretFacts('crl', { revocations: { ...lists, until }, ...more });
  const good = aList('2026-06-15T00:00:00.000Z');

  it.each([
    ['nothing is known', []],
    ['it is valid for two weeks', [good]],
    ['it never ends', [secretFacts('crl', { revocations: lists })]],
    [
      'it is replaced daily',
      [
        secretFacts('crl', {
          revocations: { ...lists, from: '2026-05-31T00:00:00.000Z', until: '2026-06-02T00:00:00.000Z' },
        }),
      ],
    ],
  ])('is used without a problem: %s', (_, facts) => {
    const { problems, hosts, tls, attached } = judge([aSecret('cert'), aKey(), ...facts], clients);

    expect(problems).toEqual([]);
    expect(hosts).toEqual(open);
    expect(tls).toMatchObject([{ clientCa: 'ca', clientCrl: 'crl' }]);
    expect(attached).toEqual(['ca', 'cert', 'crl', 'key']);
  });

  it.each([
    ['secret crl contains no certificate revocation list', aSecret('crl')],
    ['secret crl contains certificates beside the revocation list', { ...good, certificates: [aCertificate()] }],
    [
      'secret crl contains a revocation list that cannot be read',
      secretFacts('crl', { isBroken: true, revocations: { count: 0, isBroken: true } }),
    ],
    [
      'secret crl contains a revocation list that is rejected: OpenSSL reports "bad"',
      { ...good, rejectedAuthority: 'bad' },
    ],
    ['the revocation list in secret crl expired on 2026-05-31', aList('2026-05-31T00:00:00.000Z')],
    [
      'the revocation list in secret crl is not valid before 2026-06-02',
      secretFacts('crl', { revocations: { ...lists, from: '2026-06-02T00:00:00.000Z' } }),
    ],
  ])('closes its hosts if it is invalid: %s', (reason, crl) => {
    const { problems, hosts } = judge([aSecret('cert'), aKey(), crl], clients);

    expect(problems).toMatchObject([
      { severity: 'error', label: 'com.docker.lb.ssl_client_crl', value: 'crl', reason },
    ]);
    expect(hosts).toEqual(shut);
  });

  it('has a warning if it expires soon', () => {
    const { problems, hosts } = judge([aSecret('cert'), aKey(), aList('2026-06-05T00:00:00.000Z')], clients);

    const reason = 'the revocation list in secret crl expires on 2026-06-05';
    expect(problems).toMatchObject([{ severity: 'warning', label: 'com.docker.lb.ssl_client_crl', reason }]);
    expect(hosts).toEqual(open);
  });

  it('is judged again when it expires', () => {
    const facts = new Map([['crl', good]]);
    const warned = Date.parse('2026-06-08T00:00:00Z');
    const ended = Date.parse('2026-06-15T00:00:00Z') + 1;

    const times = [warned - 1, warned, ended - 1, ended].map((time) => judgmentTime([facts], time));
    expect(times).toEqual([Date.parse(lists.from), warned, warned, ended]);
  });

  it.each([
    ['without a CA', { ...labels, ssl_client_crl: 'crl' }, 'is set without a CA'],
    ['without its secret', { ...clients, ssl_client_crl: 'absent' }, 'secret absent does not exist'],
    ['with another name', { ...clients, ssl_client_crl: '../x' }, 'is not the name of a secret'],
  ])('closes its hosts %s', (_, lb, reason) => {
    const { problems, hosts } = judge([aSecret('cert'), aKey()], lb);

    expect(problems).toMatchObject([{ severity: 'error', label: 'com.docker.lb.ssl_client_crl', reason }]);
    expect(hosts).toEqual(shut);
  });
});

describe('a certificate with OCSP stapling', () => {
  it.each([
    ['with its key', ['key'], true],
    ['with another key', ['other'], false],
    ['without a key', [], false],
  ])('is stapled %s', (_, stapledWith, isStapled) => {
    const { tls } = judge([aSecret('cert', { stapledWith }), aKey()]);

    expect(tls).toMatchObject([{ kind: 'terminated', isStapled }]);
  });

  it('has a warning if it requires stapling: the first handshakes go without', () => {
    const certificates = [aCertificate({ wantsStapling: true })];
    const { problems } = judge([aSecret('cert', { certificates, stapledWith: ['key'] }), aKey()]);

    expect(problems).toMatchObject([
      { severity: 'warning', reason: expect.stringContaining('but the first handshakes') },
    ]);
  });
});

describe('material that is still valid', () => {
  it.each([
    ['the certificate in secret cert expires on 2026-06-30', [aCertificate({ until: '2026-06-30T00:00:00.000Z' })]],
    [
      'the certificate in secret cert requires OCSP stapling, which is off: the certificate names no responder, or its issuer does not follow it',
      [aCertificate({ wantsStapling: true })],
    ],
    [
      'the certificate chain in secret cert is out of order',
      [aCertificate({ isFollowedByIssuer: false }), aCertificate()],
    ],
  ])('is used with a warning: %s', (reason, certificates) => {
    const { problems, hosts } = judge([aSecret('cert', { certificates }), aKey()]);

    expect(problems).toMatchObject([{ severity: 'warning', label: 'com.docker.lb.ssl_cert', value: 'cert', reason }]);
    expect(hosts).toEqual(open);
  });

  it('has no warning long before it expires', () => {
    expect(
      judge([aSecret('cert', { certificates: [aCertificate({ until: '2026-07-02T00:00:00Z' })] }), aKey()]),
    ).toMatchObject({
      problems: [],
    });
  });
});

describe('a host that is an address', () => {
  const addresses = ['10.20.30.40', '[2001:db8::1]'];
  const facts = [aSecret('cert', { certificates: [aCertificate({ addresses })] }), aKey()];

  it.each([
    ['10.20.30.40', '10.20.30.40/'],
    ['[2001:DB8:0:0:0:0:0:1]', '[2001:db8::1]/'],
  ])('is covered by an address of the certificate, with a notice: %s', (host, route) => {
    const { problems, hosts } = judge(facts, labels, host);

    expect(hosts).toMatchObject([[expect.any(String), 'terminated', 'peers']]);
    expect(problems).toMatchObject([
      { severity: 'notice', service: 'app', label: 'com.docker.lb.hosts', affects: [{ routes: [route] }] },
    ]);
    expect(problems[0]!.reason).toContain('clients send no host name (SNI) for IP addresses');
    expect(problems[0]!.remedy).toContain('DefaultCertificate');
  });

  it('has no notice if its own certificate is the default', () => {
    expect(judge(facts, { ...labels, default_backend: 'true' }, '10.20.30.40').problems).toEqual([]);
  });

  it('has a problem if the certificate is for another address', () => {
    expect(judge(facts, labels, '10.20.30.41').problems).toMatchObject([
      { severity: 'error', affects: [{ routes: ['10.20.30.41/'] }] },
    ]);
  });
});

describe('a certificate of many routes', () => {
  it('that expires is one problem, which lists them', () => {
    const group = (n: number) => ({
      [`${n}.hosts`]: `host${n}.example.org`,
      [`${n}.port`]: '80',
      [`${n}.ssl_cert`]: 'cert',
      [`${n}.ssl_key`]: 'key',
    });
    const lb = Object.assign({}, ...Array.from({ length: 29 }, (_, n) => group(n)), labels);
    const certificate = aCertificate({ names: ['*.example.org'], until: '2026-06-09T12:00:00.000Z' });
    const { problems } = judge([aSecret('cert', { certificates: [certificate] }), aKey()], lb);

    expect(problems).toMatchObject([
      { severity: 'warning', service: 'app', reason: 'the certificate in secret cert expires on 2026-06-09' },
    ]);
    expect(problems[0]!.affects!.flatMap(({ routes }) => routes)).toHaveLength(30);
  });
});
