// Acceptance cases D1 to D3 of Interlock, labels that it documented and never supported, and invalid labels.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issueIdentity } from '../../src/protocol/certificates.ts';
import {
  bed,
  curl,
  demo,
  InterlockStory,
  ping,
  problemsOf,
  proxyConfiguration,
  published,
} from '../support/interlock.ts';

const story = new InterlockStory();
const secrets = ['options-cert.pem', 'options-key.pem'] as const;

async function createSecrets(): Promise<void> {
  const now = Date.now();
  const { cert, key } = await issueIdentity(await createAuthority(now), 'tls.local', now);
  for (const [name, text] of [
    [secrets[0], cert],
    [secrets[1], key],
  ] as const) {
    await bed.manager.docker.createSecret({ Name: name, Data: Buffer.from(text).toString('base64') });
  }
}

const create = (name: string, labels: string, args = '') =>
  story.docker(`service create --name ${name} --network options ${labels} ${demo} ${args}`);

describe('redirects and options', () => {
  beforeAll(async () => {
    await story.docker('network create -d overlay options');
    await createSecrets();
    const port = '--label com.docker.lb.port=8080';
    await create(
      'options-redirect',
      `${port} --label com.docker.lb.hosts=old.local,new.local --label com.docker.lb.redirects=http://old.local,http://new.local`,
    );
    await create(
      'options-stack',
      `${port} --label com.docker.lb.hosts=app.example.org,old.example.org,own.example.org
       --label com.docker.lb.redirects=http://old.example.org,http://app.example.org;http://own.example.org,https://own.example.org;`,
    );
    await create(
      'options-sslonly',
      `${port} --label com.docker.lb.hosts=only.local --label com.docker.lb.ssl_only=true`,
    );
    await create(
      'options-tls',
      `${port} --label com.docker.lb.hosts=tls.local --label com.docker.lb.ssl_backend=true
       --label com.docker.lb.ssl_backend_tls_verify=none
       --secret source=${secrets[0]},target=cert.pem --secret source=${secrets[1]},target=key.pem`,
      '-tls-cert=/run/secrets/cert.pem -tls-key=/run/secrets/key.pem',
    );
    await create(
      'options-limits',
      `${port} --label com.docker.lb.hosts=limits.local --label com.docker.lb.max_fails=3 --label com.docker.lb.fail_timeout=30s`,
    );
    await create(
      'options-typo',
      `${port} --label com.docker.lb.hosts=typo.local --label com.docker.lb.context_rot=/app`,
    );
    await create(
      'options-optional',
      `${port} --label com.docker.lb.hosts=optional.local --label com.docker.lb.max_fails=many`,
    );
    await create('options-required', '--label com.docker.lb.hosts=required.local --label com.docker.lb.port=http');
    await published('new.local', 'app.example.org', 'tls.local', 'limits.local', 'typo.local', 'optional.local');
  });
  afterAll(async () => {
    await story.close();
    await bed.docker('secret', 'rm', ...secrets);
  });

  it('D1: redirect the old host to the new one with 302, keeping path and query', async () => {
    const plain = await curl('old.local', '/');
    const deep = await curl('old.local', '/a/b?c=d');

    expect(plain).toMatchObject({ status: 302, headers: { location: 'http://new.local/' } });
    expect(deep).toMatchObject({ status: 302, headers: { location: 'http://new.local/a/b?c=d' } });
  });

  it('D2: answer HEAD the same way, with several redirects and a semicolon at the end', async () => {
    const old = await curl('old.example.org', '/', { method: 'HEAD' });
    const own = await curl('own.example.org', '/', { method: 'HEAD' });

    expect(old).toMatchObject({ status: 302, headers: { location: 'http://app.example.org/' } });
    expect(own).toMatchObject({ status: 302, headers: { location: 'https://own.example.org/' } });
  });

  it('D3: answer for the new host', async () => {
    await ping('new.local');
    await ping('app.example.org');
  });

  it('support ssl_only: 301 to the public HTTPS port, 308 if a method must be kept', async () => {
    const get = await curl('only.local', '/a?b=c');
    const post = await curl('only.local', '/a?b=c', { method: 'POST' });

    expect(get).toMatchObject({ status: 301, headers: { location: 'https://only.local:8443/a?b=c' } });
    expect(post).toMatchObject({ status: 308, headers: { location: 'https://only.local:8443/a?b=c' } });
  });

  it('support ssl_backend: TLS to the application, with the host as server name', async () => {
    const answer = await curl('tls.local', '/echo');

    expect(JSON.parse(answer.body)).toMatchObject({ tls: { servername: 'tls.local' } });
  });

  it('apply max_fails and fail_timeout to every server of the service', async () => {
    const configuration = await proxyConfiguration();

    expect(configuration).toMatch(/server "tasks\.options-limits\.options:8080" max_fails=3 fail_timeout=30s resolve;/);
  });

  it('suggest a label for a misspelled one, and route without it', async () => {
    await ping('typo.local');

    expect(await problemsOf('options-typo')).toEqual([
      expect.objectContaining({ severity: 'warning', remedy: 'Did you mean com.docker.lb.context_root?' }),
    ]);
  });

  it('ignore an invalid optional label, and close the route for an invalid required one', async () => {
    const closed = await curl('required.local');

    await ping('optional.local');
    expect(closed.status).toBe(503);
    expect(await problemsOf('options-optional')).toEqual([
      expect.objectContaining({ label: 'com.docker.lb.max_fails', value: 'many', reason: 'is not a whole number' }),
    ]);
    expect(await problemsOf('options-required')).toEqual([
      expect.objectContaining({ label: 'com.docker.lb.port', value: 'http', reason: 'is not a whole number' }),
    ]);
  });
});
