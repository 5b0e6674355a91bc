// Labels `read_timeout`, `connect_timeout`, `max_body_size` and `buffering`, in the real nginx.
import { beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, deadOnly, get, oneDeadTask, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, head, RawConnection, rawRequest, valuesOf } from '../support/raw-request.ts';

const MB = 1024 * 1024;
const large = { max_body_size: '100m', connect_timeout: '1s' };

const services = [
  aService('plain'),
  aService('large', { lb: large }),
  aService('large-retried', { port: oneDeadTask, lb: large }),
  aService('large-dead', { port: deadOnly, lb: large }),
  aService('large-below', { lb: { ...large, context_root: '/app', context_root_rewrite: 'true' } }),
  aService('small', { lb: { max_body_size: '1k' } }),
  aService('calls', { port: deadOnly, lb: { backend_protocol: 'grpc', max_body_size: '1k' } }),
  aService('open-calls', { port: deadOnly, lb: { backend_protocol: 'grpc' } }),
  aService('quick', { lb: { read_timeout: '1s' } }),
  aService('quick-below', { lb: { read_timeout: '1s', context_root: '/app' } }),
  aService('streamed', { lb: { buffering: 'off' } }),
  aService('requests', { lb: { buffering: 'requests-off' } }),
  aService('requests-below', { lb: { buffering: 'requests-off', context_root: '/app', context_root_rewrite: 'true' } }),
  aService('requests-retried', { port: oneDeadTask, lb: { buffering: 'requests-off' } }),
  aService('responses', { lb: { buffering: 'responses-off' } }),
  aService('buffered', { lb: { buffering: 'on' } }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await startOddNginx(services);
  return () => nginx[Symbol.asyncDispose]();
});

const post = (name: string, path: string, ...headers: readonly string[]) =>
  head(`POST ${path} HTTP/1.1`, `Host: ${name}.example.org`, ...headers);

function upload(name: string, size: number, path = '/app/x') {
  const bytes = Buffer.concat([Buffer.from(post(name, path, `Content-Length: ${size}`)), Buffer.alloc(size, 'x')]);
  return rawRequest({ port: nginx.port }, bytes);
}

describe('max_body_size', () => {
  it.each(['large', 'large-retried', 'large-below'])('admits larger bodies to %s', async (name) => {
    expect(arrived(await upload(name, 40 * MB)).length).toBe(40 * MB);
  });

  it('writes no body to a file', async () => {
    await using connection = await RawConnection.open({ port: nginx.port });
    connection.write(post('large', '/x?kept', 'X-Count: to-a-file', `Content-Length: ${20 * MB}`));
    connection.write(Buffer.alloc(10 * MB, 'x'));

    await eventually(async () => expect(await countOf('to-a-file')).toBe(1));
    expect(await nginx.list('/tmp')).toContain('client-body');
    expect(await nginx.list('/tmp/client-body')).toEqual([]);
  });

  it('is the setting without the label', async () => {
    const { status } = await rawRequest({ port: nginx.port }, post('plain', '/x', `Content-Length: ${40 * MB}`));
    expect(status).toBe(413);
  });

  it('limits bodies with a length, in chunks, and over HTTP/2', async () => {
    await using h2 = await Http2Client.open({ port: nginx.port });
    const chunks = `${post('small', '/x', 'Transfer-Encoding: chunked')}800\r\n${'x'.repeat(2048)}\r\n0\r\n\r\n`;
    const headers = { ':method': 'POST', ':authority': 'small.example.org' };

    expect((await upload('small', 2048)).status).toBe(413);
    expect((await upload('small', 1024)).status).toBe(200);
    expect((await rawRequest({ port: nginx.port }, chunks)).status).toBe(413);
    expect((await h2.request({ headers, body: 'x'.repeat(2048) })).status).toBe(413);
    expect((await h2.request({ headers, body: 'x'.repeat(1024) })).status).toBe(200);
  });

  it('does not hide another error behind 413', async () => {
    const answer = await rawRequest({ port: nginx.port }, post('large-dead', '/x', `Content-Length: ${40 * MB}`));
    expect(answer.status).toBe(502);
    expect(answer.body).toContain('Bad Gateway');
  });

  it('applies to gRPC, which has no limit otherwise', async () => {
    await using h2 = await Http2Client.open({ port: nginx.port });
    const call = async (name: string, length: number) => {
      const headers = { ':method': 'POST', ':authority': `${name}.example.org`, ':path': '/s/m' };
      const answer = await h2.request({
        headers: { ...headers, 'content-length': `${length}` },
        body: 'x'.repeat(length),
      });
      return [answer.status, valuesOf(answer.headers, 'grpc-status').join()];
    };

    expect(await call('calls', 2048)).toEqual([200, '2']);
    expect(await call('calls', 1024)).toEqual([200, '14']);
    expect(await call('open-calls', 100_000)).toEqual([200, '14']);
  });
});

describe('read_timeout', () => {
  it.each(['quick', 'quick-below'])('answers 504 if %s is silent for longer', async (name) => {
    const host = `${name}.example.org`;
    const streamed = post(name, '/app/slow?ms=4000', 'Transfer-Encoding: chunked');

    expect((await get(nginx, host, '/app/slow?ms=4000')).status).toBe(504);
    expect((await rawRequest({ port: nginx.port }, `${streamed}1\r\nx\r\n0\r\n\r\n`)).status).toBe(504);
    expect((await get(nginx, host, '/app/slow?ms=100')).status).toBe(200);
    expect((await get(nginx, 'plain.example.org', '/app/slow?ms=1500')).status).toBe(200);
  });

  it('closes idle WebSockets, but none with traffic', async () => {
    const upgrade = head('GET / HTTP/1.1', 'Host: quick.example.org', 'Connection: Upgrade', 'Upgrade: websocket');
    await using idle = await RawConnection.open({ port: nginx.port });
    await using busy = await RawConnection.open({ port: nginx.port });
    for (const connection of [idle, busy]) {
      connection.write(upgrade);
      expect((await connection.answer()).status).toBe(101);
    }
    const pings = setInterval(() => busy.write('ping'), 300);

    await idle.rest();
    clearInterval(pings);
    busy.write('last');
    await busy.until(/raw: .*last/s);
  });
});

async function countOf(key: string): Promise<number> {
  return JSON.parse((await get(nginx, 'plain.example.org', `/count?key=${key}`)).body).count;
}

describe('buffering', () => {
  it.each(['streamed', 'requests', 'requests-below', 'requests-retried'])(
    'passes on the beginning of a small body to %s',
    async (name) => {
      await using read = await RawConnection.open({ port: nginx.port });
      await using streamed = await RawConnection.open({ port: nginx.port });
      read.write(`${post('buffered', '/x', `X-Count: read-${name}`, 'Content-Length: 10')}begin`);
      streamed.write(`${post(name, '/app/x', `X-Count: ${name}`, 'Content-Length: 10')}begin`);

      await eventually(async () => expect(await countOf(name)).toBe(1));
      expect(await countOf(`read-${name}`)).toBe(0);

      for (const connection of [read, streamed]) {
        connection.write('-ends');
        expect(arrived(await connection.answer()).length).toBe(10);
      }
    },
  );

  it('retries requests without a body', async () => {
    for (let times = 0; times < 5; times++)
      expect((await get(nginx, 'requests-retried.example.org', '/x')).status).toBe(200);
  });

  it.each(['streamed', 'responses'])('sends each part of a response of %s at once', async (name) => {
    await using held = await RawConnection.open({ port: nginx.port });
    await using sent = await RawConnection.open({ port: nginx.port });
    held.write(head('GET /parts HTTP/1.1', 'Host: buffered.example.org'));
    sent.write(head('GET /parts HTTP/1.1', `Host: ${name}.example.org`));

    let received = '';
    held.socket.on('data', (chunk) => {
      received += chunk;
    });

    await sent.until(/part 1\n/);
    expect(received).not.toContain('part 0');
    await held.until(/part 5\n/);
  });
});
