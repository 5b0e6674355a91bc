import { expect, it } from 'vitest';
import { readAtHandshake } from '../../src/nginx/check.ts';
import { render } from '../support/golden.ts';
import { inputOf, manyServices } from '../support/many-services.ts';
import { NginxContainer } from '../support/nginx-container.ts';

it('nginx of the proxy image accepts a configuration in parts', async () => {
  await using nginx = await NginxContainer.start();
  const { files } = render(inputOf(manyServices(1200)));
  const broken = files.map((file, position) => (position === 1 ? { ...file, text: `${file.text}oops;\n` } : file));

  expect(files.length).toBeGreaterThan(3);
  expect(await nginx.testFiles(files)).toBe('');
  expect(await nginx.testFiles(broken)).toContain(`unknown directive "oops" in /tmp/files/${files[1]!.path}`);
});

it('nginx of the proxy image accepts tables in parts: certificates, and services that terminate TLS', async () => {
  await using nginx = await NginxContainer.start();
  const input = inputOf(manyServices(1500));
  const certificate = 'demo_app.example.org.cert';
  const terminated = {
    kind: 'terminated',
    certificate,
    key: certificate,
    isStapled: true,
    hsts: '',
    clientCa: '',
  } as const;
  const routes = input.routes.map((route, n) => ({
    ...route,
    tls: n % 2 === 0 ? terminated : ({ kind: 'passthrough', proxyProtocol: false } as const),
  }));

  const { files } = render({ ...input, routes });

  const kinds = new Set(files.map(({ path }) => path.replace(/-\d+\.conf$/, '')));
  expect([...kinds].toSorted()).toEqual([
    'handshakes',
    'nginx.conf',
    'passthroughs',
    'plain-targets',
    'servers',
    'targets',
    'upstreams',
  ]);
  expect(files[0]!.text.length).toBeLessThan(32 * 1024);
  expect(await nginx.testFiles(files.map((file) => ({ ...file, text: readAtHandshake(file.text) })))).toBe('');
});
