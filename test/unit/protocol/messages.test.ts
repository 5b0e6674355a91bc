import { describe, expect, it } from 'vitest';
import { ReportRequest, StateResponse } from '../../../src/protocol/agent-messages.ts';
import { MAX_MESSAGE_BYTES, readBody } from '../../../src/protocol/read-body.ts';
import { RenderRequest, RenderResponse } from '../../../src/protocol/render-messages.ts';
import { certificateFacts, secretFacts } from '../../support/facts.ts';
import { renderBeside } from '../../support/hostile-swarm.ts';

const request = { ...JSON.parse(JSON.stringify(renderBeside().clusters[0]!.input)), known: [] };
const [route] = request.routes;
const digest = '0123456789abcdef';
const rendered = {
  kind: 'rendered',
  templates: digest,
  version: digest,
  routes: digest,
  files: [{ path: 'nginx.conf', digest, text: 'events {}' }],
  refused: [{ service: 'app', message: 'no' }],
};

describe('a request to render', () => {
  it('is accepted as the controller sends it', () => {
    expect(RenderRequest.safeParse(request).error).toBeUndefined();
  });

  it('is accepted with as many names of the default certificate as an agent may report', () => {
    const defaultCertificateNames = Array.from({ length: 10_000 }, (_, n) => `h${n}.example.org`);

    expect(RenderRequest.safeParse({ ...request, defaultCertificateNames }).success).toBe(true);
  });

  it('is accepted without loss of data', () => {
    expect(RenderRequest.parse(request)).toEqual(request);
  });

  it('of another release is accepted: unknown settings and options are dropped, missing ones have their defaults', () => {
    const { IPHash, ...nginx } = request.nginx;
    const { responseHeaders, responseHeaderKb, ...options } = route.options;
    const other = {
      ...request,
      nginx: { ...nginx, Later: 'x' },
      routes: [{ ...route, options: { ...options, later: true } }],
      later: 1,
    };

    expect(RenderRequest.parse(other)).toEqual({ ...request, routes: [route] });
  });

  const peer = route.backend.peers[0];
  it.each([
    ['an address with a semicolon', { backend: { kind: 'peers', peers: [{ ...peer, address: 'a;b' }] } }],
    ['an address with a space', { backend: { kind: 'peers', peers: [{ ...peer, address: 'a resolve parameter' }] } }],
    ['an invalid port', { backend: { kind: 'peers', peers: [{ ...peer, port: 65_536 }] } }],
    ['a port as text', { backend: { kind: 'peers', peers: [{ ...peer, port: '80; evil' }] } }],
    ['an invalid time', { backend: { kind: 'peers', peers: [{ ...peer, failTimeout: '1s; evil' }] } }],
    ['a path with a newline', { path: '/a\n' }],
    ['a path with a dot segment', { path: '/a/../b' }],
    ['a path with a trailing slash', { path: '/a/' }],
    ['an invalid path', { path: 'a' }],
    ['an allow list with a semicolon', { maintenance: { allow: ['10.0.0.0/8 0; evil'] } }],
    ['an invalid allow list', { maintenance: { allow: 'all' } }],
    ['a redirect with a variable', { redirects: [{ host: 'a', target: 'http://$host' }] }],
    ['a redirect of another scheme', { redirects: [{ host: 'a', target: 'javascript:alert(1)' }] }],
    ['a cookie with a semicolon', { options: { ...route.options, affinity: { kind: 'cookie', name: 'a;b' } } }],
    ['a CA in another folder', { options: { ...route.options, backendCa: '../ca' } }],
    ['a name of the service with a variable', { options: { ...route.options, backendName: '$host' } }],
    ['an unknown protocol', { options: { ...route.options, protocol: 'ftp' } }],
    ['an unknown backend', { backend: { kind: 'file', path: '/etc/passwd' } }],
    ['a host of an unknown kind', { hosts: [{ kind: 'raw', name: 'a' }] }],
    ['a host that is far too long', { hosts: [{ kind: 'exact', name: 'a'.repeat(513) }] }],
  ])('is rejected with %s', (_, change) => {
    expect(RenderRequest.safeParse({ ...request, routes: [{ ...route, ...change }] }).success).toBe(false);
  });

  it.each([
    ['a port as text', { targetPort: '80; evil' }],
    ['a size as text', { zoneKb: '1m; evil' }],
    ['a network with a newline', { watch: { networks: [{ name: 'a\nb', subnets: [] }], doubted: [] } }],
    ['an invalid subnet', { watch: { networks: [{ name: 'a', subnets: ['10.0.0.0/8;'] }], doubted: [] } }],
    ['a name in doubt with a newline', { watch: { networks: [], doubted: ['a\n    include /etc/passwd;'] } }],
    ['no routes', { routes: undefined }],
    ['changed routes with an invalid position', { routes: { base: digest, removed: [-1], added: [] } }],
    ['changed routes without a base', { routes: { base: '../x', removed: [], added: [] } }],
    ['an invalid changed route', { routes: { base: digest, removed: [], added: [{ at: 0, item: {} }] } }],
  ])('is rejected with %s', (_, change) => {
    expect(RenderRequest.safeParse({ ...request, ...change }).success).toBe(false);
  });
});

describe('an answer of an extension', () => {
  it('is accepted', () => {
    expect(RenderResponse.parse(rendered)).toEqual(rendered);
    expect(RenderResponse.safeParse({ kind: 'settings-refused', templates: digest, message: 'no' }).success).toBe(true);
  });

  const file = (path: string) => ({ files: [{ path, digest, text: '' }] });
  it.each([
    ['a path outside the folder', file('../nginx.conf')],
    ['a path that is the parent folder', file('..')],
    ['a path that is the folder itself', file('.')],
    ['an absolute path', file('/etc/passwd')],
    ['an empty path', file('')],
    ['no file', { files: [] }],
    ['too many files', { files: Array.from({ length: 513 }, (_, n) => ({ path: `f${n}`, digest, text: '' })) }],
    ['an invalid digest', { files: [{ path: 'nginx.conf', digest: '../x', text: '' }] }],
    ['an invalid version', { version: '$(reboot)' }],
    ['a version of another length', { version: 'abc' }],
    ['an endless message', { refused: [{ service: 'a', message: 'x'.repeat(2001) }] }],
    ['another kind', { kind: 'command' }],
  ])('is rejected with %s', (_, change) => {
    expect(RenderResponse.safeParse({ ...rendered, ...change }).success).toBe(false);
  });

  it('loses unknown fields', () => {
    expect(RenderResponse.parse({ ...rendered, image: 'evil', mounts: ['/'] })).toEqual(rendered);
  });
});

describe('a message', () => {
  async function* pieces(sizeBytes: number, count: number) {
    const piece = Buffer.alloc(sizeBytes);
    for (let sent = 0; sent < count; sent++) yield piece;
  }

  it('that is too large is not read to its end', async () => {
    const sizeBytes = 16 * 1024 * 1024;

    await expect(readBody(pieces(sizeBytes, 1_000_000))).rejects.toThrow('too large');
    expect(MAX_MESSAGE_BYTES).toBeGreaterThan(sizeBytes);
  });
});

describe('a report on names', () => {
  const report = { task: 'a', boot: digest, serving: null, refused: null };
  const doubt = { name: 'tasks.web.ProxyNet', kind: 'foreign', address: '10.0.9.4' };
  const state = (doubts: unknown) => ({
    ...{ digest, templates: digest, offers: [], secrets: [] },
    replicas: [{ ...report, doubts }],
  });

  it('is accepted by both ends', () => {
    const doubts = { names: [doubt, { name: 'web.app', kind: 'missing' }], hasMore: true };

    expect(ReportRequest.parse({ ...report, doubts }).doubts).toEqual(doubts);
    expect(StateResponse.parse(state(doubts)).replicas[0]!.doubts).toEqual(doubts);
    expect(ReportRequest.parse(report).doubts).toBeUndefined();
  });

  it.each([
    ['more names than it may hold', { names: Array.from({ length: 129 }, () => doubt), hasMore: false }],
    ['a name with a space', { names: [{ ...doubt, name: 'a b' }], hasMore: false }],
    ['a name that is too long', { names: [{ ...doubt, name: 'a'.repeat(254) }], hasMore: false }],
    ['an unknown kind', { names: [{ ...doubt, kind: 'stolen' }], hasMore: false }],
    ['an invalid address', { names: [{ ...doubt, address: '<script>' }], hasMore: false }],
    ['an invalid list', { names: 'all', hasMore: false }],
  ])('is rejected by both ends with %s', (_, doubts) => {
    expect(ReportRequest.safeParse({ ...report, doubts }).success).toBe(false);
    expect(StateResponse.safeParse(state(doubts)).success).toBe(false);
  });
});

describe('a report on secrets', () => {
  const report = { task: 'a', boot: digest, serving: null, refused: null };
  const parse = (secret: unknown) => ReportRequest.safeParse({ ...report, secrets: [secret] });

  it.each([
    ['a certificate with 1,000 names', { names: Array.from({ length: 1000 }, (_, n) => `host${n}.example.org`) }],
    ['a certificate for addresses', { addresses: ['10.20.30.40', '[2001:db8::1]'], hasAllNames: false }],
  ])('is accepted without loss of data: %s', (_, more) => {
    const secret = secretFacts('site', {
      certificates: [certificateFacts(more)],
      rejected: 'bad end line',
      rejectedAuthority: 'BIO lib',
      key: { kind: 'unreadable', reason: 'unsupported' },
    });

    expect(parse(secret).data?.secrets).toEqual([secret]);
  });

  it('of an earlier release is accepted', () => {
    const { addresses, hasAllNames, keyType, ...certificate } = certificateFacts();
    const { rejected, rejectedAuthority, hidesBlocks, ...secret } = secretFacts('site');
    const earlier = { ...secret, certificates: [certificate], key: { kind: 'unreadable' } };

    expect(parse(earlier).data?.secrets).toEqual([
      secretFacts('site', {
        certificates: [certificateFacts({ keyType: '' })],
        key: { kind: 'unreadable', reason: '' },
      }),
    ]);
  });

  it.each([
    ['a reason with a line break', { rejected: 'a\nb' }],
    ['a reason that is far too long', { rejected: 'a'.repeat(101) }],
    ['an invalid address', { certificates: [certificateFacts({ addresses: ['evil.example.org'] })] }],
    ['a type of key with a space', { certificates: [certificateFacts({ keyType: 'a b' })] }],
  ])('is rejected with %s', (_, more) => {
    expect(parse(secretFacts('site', more)).success).toBe(false);
  });
});
