import { describe, expect, it } from 'vitest';
import { failureOf } from '../../../src/acme/lego-failure.ts';
import { accountKeyPath, legoRun, parseCredentials, resultName } from '../../../src/acme/lego-run.ts';
import { OrderRequest } from '../../../src/protocol/acme-messages.ts';

const request: OrderRequest = {
  directory: 'https://ca.example.org:14000/dir',
  email: 'ops@example.org',
  accountKey: 'account',
  challenge: 'http-01',
  keyType: 'ec256',
  profile: '',
  preferredChain: '',
  externalAccountKid: '',
  externalAccountSecret: '',
  ca: '',
  dnsProvider: '',
  dnsSecret: '',
  names: ['a.example.org'],
};
const places = { folder: '/tmp/order', webroot: '/tmp/order/web', secrets: '/run/secrets' };
const ca = (type: string, sentence: string) =>
  `2026/11/29 17:28:33 Could not obtain certificates:\n\terror: acme: error: 400 :: urn:ietf:params:acme:error:${type} :: ${sentence}`;

describe('failures of lego', () => {
  it.each([
    ['rateLimited', 'rate-limited'],
    ['unauthorized', 'unauthorized'],
    ['connection', 'unauthorized'],
    ['dns', 'dns'],
    ['caa', 'caa'],
    ['invalidContact', 'account'],
    ['rejectedIdentifier', 'other'],
    ['newInTheFuture', 'other'],
  ])('have the kind and the sentence of the CA: %s', (type, kind) => {
    expect(failureOf(ca(type, 'It says why'))).toEqual({ kind, reason: 'the CA answers: It says why' });
  });

  it('say when the CA allows the next order', () => {
    const sentence = 'too many certificates, retry after 2026-12-01 10:20:30 UTC: see https://ca.example.org';
    expect(failureOf(ca('rateLimited', sentence)).retryAt).toBe(Date.parse('2026-12-01T10:20:30Z'));
  });

  it('ignore errors that were retried', () => {
    const retried = `${ca('badNonce', 'old nonce')}\n${ca('caa', 'not allowed')}\n${ca('badNonce', 'old nonce')}`;
    expect(failureOf(retried)).toMatchObject({ kind: 'caa' });
    expect(failureOf(ca('badNonce', 'old nonce'))).toMatchObject({ kind: 'unreachable' });
  });

  it.each([
    ['dial tcp: lookup nowhere: no such host', /name is not found/],
    ['dial tcp 192.0.2.1:443: connect: connection refused', /refused/],
    ['tls: failed to verify certificate: x509: signed by unknown authority', /not trusted/],
    ['context deadline exceeded', /in time/],
  ])('explain why the CA is not reached: %s', (fault, reason) => {
    const output = `2026/11/29 17:28:23 Could not create client: get directory at 'https://x/dir': ${fault}`;
    expect(failureOf(output)).toMatchObject({ kind: 'unreachable', reason: expect.stringMatching(reason) });
  });

  it('are short, whatever lego writes', () => {
    expect(failureOf(ca('unauthorized', 'x'.repeat(5000))).reason.length).toBeLessThanOrEqual(1000);
    expect(failureOf('y'.repeat(5000)).reason.length).toBeLessThanOrEqual(1000);
    expect(failureOf('').reason).not.toBe('');
  });
});

describe('a run of lego', () => {
  it('has no secrets among its arguments', () => {
    const bound = { ...request, externalAccountKid: 'kid', externalAccountSecret: 'hmac' };
    const dns = { challenge: 'dns-01', dnsProvider: 'cloudflare', dnsSecret: 'dns' } as const;
    const { args, env } = legoRun({ ...bound, ...dns }, places, { hmac: 'S3CRET', dns: { CF_DNS_API_TOKEN: 'T0KEN' } });
    expect(args.join(' ')).not.toMatch(/S3CRET|T0KEN/);
    expect(env).toMatchObject({ LEGO_EAB_HMAC: 'S3CRET', LEGO_EAB_KID: 'kid', CF_DNS_API_TOKEN: 'T0KEN' });
    expect(args).toContain('--dns');
    expect(args).not.toContain('--http');
  });

  it('finds the account where lego keeps it', () => {
    expect(accountKeyPath(request)).toBe('accounts/ca.example.org_14000/ops@example.org/keys/ops@example.org.key');
    expect(resultName(['*.example.org'])).toBe('_.example.org');
  });
});

describe('credentials of a DNS provider', () => {
  it('are lines of KEY=value, with quotes and comments', () => {
    const text = '# token\nexport CF_DNS_API_TOKEN="a=b"\r\n\nCF_ZONE = \'c\'\n';
    expect(parseCredentials(text)).toEqual({ CF_DNS_API_TOKEN: 'a=b', CF_ZONE: 'c' });
  });

  it.each(['PATH=/tmp', 'LD_PRELOAD=/tmp/x.so', 'LEGO_SERVER=https://evil', 'SSL_CERT_FILE=/x', 'GODEBUG=x', 'HOME=/'])(
    'cannot change lego itself: %s',
    (line) => {
      expect(() => parseCredentials(line)).toThrow('reserved');
    },
  );

  it('are never quoted in errors', () => {
    expect(() => parseCredentials('s3cret-token')).toThrow(/^line 1 of the DNS provider's secret is not KEY=value$/);
  });
});

describe('requests', () => {
  it.each([
    { names: ['--help'] },
    { names: ['a b.example.org'] },
    { names: [] },
    { email: '-x@example.org' },
    { email: 'a/../b@example.org' },
    { directory: 'http://ca.example.org' },
    { accountKey: '../account' },
    { ca: '/etc/passwd' },
    { profile: '--run-hook' },
    { preferredChain: '-x' },
    { dnsProvider: '../x' },
    { dnsProvider: 'exec' },
  ])('are rejected if a value could reach a path or an option: %j', (more) => {
    expect(OrderRequest.safeParse(request).success).toBe(true);
    expect(OrderRequest.safeParse({ ...request, ...more }).success).toBe(false);
  });
});
