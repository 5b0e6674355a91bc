// The label ssl_protocols: TLS versions of single hosts on a port that all hosts share.
import { describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeSite } from '../support/material.ts';
import { NginxContainer } from '../support/nginx-container.ts';
import { curlAt, openssl, renderOnLoopback } from '../support/nginx-tls.ts';

const application = 'server { listen 127.0.0.1:9001; return 200 "reached\\n"; }';
const services = [
  aService('modern', { lb: { ssl_cert: 'site', ssl_protocols: 'TLSv1.3', hsts: 'true' } }),
  aService('usual', { lb: { ssl_cert: 'site' } }),
  aService('fallback', { host: '', lb: { default_backend: 'true', ssl_cert: 'site', ssl_protocols: 'TLSv1.3' } }),
];
const passthrough = aService('passed', { port: '9002', lb: { ssl_passthrough: 'true' } });

async function start(configuration: string): Promise<NginxContainer> {
  const nginx = await NginxContainer.start();
  await nginx.write('/run/secrets', { site: await makeSite('modern.example.org', 'usual.example.org') });
  await nginx.serve(configuration);
  return nginx;
}

const configure = (more = {}, others: typeof services = []) =>
  renderOnLoopback([...services, ...others], ['site'], { Config: { HTTPOptions: [application], ...more } });

const old = ['--tlsv1.2', '--tls-max', '1.2'];
const modern = ['--tlsv1.3'];

describe.each([
  ['alone', []],
  ['beside a host with TLS passthrough', [passthrough]],
])('A host that allows TLS 1.3 only, %s', (_, others) => {
  it('refuses handshakes with TLS 1.2, and no other host does', async () => {
    await using nginx = await start(configure({}, others));
    const ask = async (host: string, ...options: string[]) => {
      const { code, out } = await curlAt(nginx.tlsPort, host, ...options);
      return code === 0 ? Number(out.split(' ')[1]) : `curl ${code}`;
    };

    expect(await ask('modern.example.org', ...old)).toBe('curl 35');
    expect(await ask('modern.example.org', ...modern)).toBe(200);
    expect(await ask('usual.example.org', ...old)).toBe(200);
    expect(await ask('usual.example.org', ...modern)).toBe(200);
    // The versions of the default server may apply to all hosts, so its requests are rejected instead.
    expect(await ask('unknown.example.org', ...old)).toBe(403);
    expect(await ask('unknown.example.org', ...modern)).toBe(200);
  });

  it('does not answer on a connection of another host with TLS 1.2', async () => {
    await using nginx = await start(configure({}, others));
    const request = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const ask = (host: string, version: string) =>
      openssl(nginx.tlsPort, request(host), ['-servername', 'usual.example.org', version]);

    expect(await ask('usual.example.org', '-tls1_2')).toContain('reached');
    const answer = await ask('modern.example.org', '-tls1_2');
    expect(answer).toContain('HTTP/1.1 403');
    expect(answer).not.toContain('reached');
    expect(await ask('modern.example.org', '-tls1_3')).toContain('reached');
  });
});

it('With an nginx that chooses the version before the host, its requests receive 403', async () => {
  // Such an nginx ignores the directive in all servers but the default one.
  const rendered = configure();
  expect(rendered).toContain('        ssl_protocols TLSv1.3;\n');
  await using nginx = await start(rendered.replaceAll('        ssl_protocols TLSv1.3;\n', ''));

  const { out } = await curlAt(nginx.tlsPort, 'modern.example.org', ...old);

  expect(out).toMatch(/^HTTP\/2 403 /);
  expect(out).toContain('strict-transport-security');
  expect(out).not.toContain('reached');
  expect((await curlAt(nginx.tlsPort, 'modern.example.org', ...modern)).out).toContain('reached');
  expect((await curlAt(nginx.tlsPort, 'usual.example.org', ...old)).out).toContain('reached');
});

it('A label cannot add a version that the cluster does not offer', async () => {
  const services = [aService('modern', { lb: { ssl_cert: 'site', ssl_protocols: 'TLSv1.2,TLSv1.3' } })];
  const Config = { SSLProtocols: 'TLSv1.3', HTTPOptions: [application] };
  await using nginx = await start(renderOnLoopback(services, ['site'], { Config }));

  expect((await curlAt(nginx.tlsPort, 'modern.example.org', ...old)).code).toBe(35);
  expect((await curlAt(nginx.tlsPort, 'modern.example.org', ...modern)).out).toContain('reached');
});
