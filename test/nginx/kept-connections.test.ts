// Connections that nginx keeps open to a task, in the real nginx.
import { expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { arrived, http2Port, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client } from '../support/raw-request.ts';

it('are not shared by routes with different protocols', async () => {
  const services = ['grpc', 'h2c'].map((protocol) =>
    aService(protocol, { port: http2Port, lb: { backend_protocol: protocol } }),
  );
  await using nginx = await startOddNginx(services);
  await using client = await Http2Client.open({ port: nginx.port });

  // A streamed body is not retried on another connection. Each worker process keeps connections of its own.
  for (const protocol of Array.from({ length: 12 }, (_, n) => ['grpc', 'h2c'][n % 2]!)) {
    const headers = { ':authority': `${protocol}.example.org`, ':method': 'POST', ':path': '/x' };
    const answer = await client.request({ headers, body: 'x'.repeat(40_000) });
    expect(arrived(answer).length).toBe(40_000);
  }
});
