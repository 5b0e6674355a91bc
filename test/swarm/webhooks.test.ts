// A webhook in the settings: the controller mounts its secrets and sends problems to it, signed.
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Problem } from '../../src/model/problem.ts';
import { bed, defaultSettings, eventually, settled, useSettings } from '../support/interlock.ts';
import { restoreSettings, Stack } from '../support/story.ts';

const stack = new Stack('webhooks');
/** The receiver runs in the controller's container: nothing else there listens on this port. */
const port = 9999;
const secrets = { 'story-webhook': `http://127.0.0.1:${port}/secret-path`, 'story-webhook-key': 'signing-key' };
const table = '[Webhooks.story]\nUrlSecret = "story-webhook"\nSigningSecret = "story-webhook-key"\n';

beforeAll(async () => {
  for (const [Name, text] of Object.entries(secrets))
    await bed.manager.docker.createSecret({ Name, Data: Buffer.from(text).toString('base64') });
  await stack.deploy({ app: { host: 'webhooks.local', labels: { 'com.docker.lb.max_fails': 'many' } } });
  await useSettings(`${defaultSettings.trimEnd()}\n\n${table}`);
  await settled();
}, 300_000);

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await restoreSettings();
  for (const name of Object.keys(secrets)) await eventually(() => bed.docker('secret', 'rm', name));
}, 300_000);

interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Accepts one request in the controller's container. */
async function receive(): Promise<Received> {
  const program = `
    const server = require('node:http').createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => { body += chunk; }).on('end', () => {
        response.writeHead(204).end();
        console.log(JSON.stringify({ headers: request.headers, body }));
        process.exit();
      });
    }).listen(${port}, '127.0.0.1');
    setTimeout(() => process.exit(1), 40000);`;
  return JSON.parse(await bed.exec('signalbox_controller', 'node', '-e', program));
}

it('a problem of a service reaches the receiver', async () => {
  const { headers, body } = await eventually(receive, 120_000);

  const digest = createHmac('sha256', 'signing-key')
    .update(`${headers['x-signalbox-timestamp']}.${body}`)
    .digest('hex');
  expect(headers['x-signalbox-signature']).toBe(`sha256=${digest}`);
  const { appeared } = JSON.parse(body) as { appeared: Problem[] };
  expect(appeared).toContainEqual(
    expect.objectContaining({ service: stack.service(), label: 'com.docker.lb.max_fails', severity: 'error' }),
  );
});

it('URL and key are in no log', async () => {
  expect(await bed.logs('signalbox_controller', 2000)).not.toMatch(/secret-path|signing-key/);
});
