// A proxy that starts with thousands of names, with the Engine's DNS and sockets of the usual size.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ownerFlags } from '../../bed/owner.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { eventually } from '../support/eventually.ts';
import { render } from '../support/golden.ts';
import { inputOf, manyServices } from '../support/many-services.ts';
import { containerPort, NginxContainer } from '../support/nginx-container.ts';

const run = promisify(execFile);
const COUNT = 5000;
const network = 'signalbox-many-names';
const services = manyServices(COUNT);
const hosts = services.map(({ name }) => `${name}.example.org`);

let proxy: NginxContainer;
let application: NginxContainer;

beforeAll(async () => {
  await run('docker', ['network', 'rm', network]).catch(() => undefined);
  await run('docker', ['network', 'create', ...ownerFlags(), network]);
  application = await NginxContainer.start();
  const server = (port: number) => `server { listen ${port}; return 200; }`;
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path /tmp/${name};`);
  const parts = [...folders, ...[containerPort, 8080].map(server)];
  await application.serve(`events {} pid /tmp/pid; http { ${parts.join(' ')} }`);
  await application.join(
    network,
    services.map(({ name }) => `tasks.${name}.app`),
  );
  proxy = await NginxContainer.start();
  await proxy.join(network);
});
afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await application?.[Symbol.asyncDispose]();
  await run('docker', ['network', 'rm', network]);
});

/** Statuses of all hosts, with the number of hosts. */
async function statuses(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const waiting = [...hosts];
  const work = async () => {
    for (let host = waiting.pop(); host !== undefined; host = waiting.pop()) {
      const { status } = await proxy.ask({ host });
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 20 }, work));
  return counts;
}

it('has the addresses of all names when it becomes healthy', async () => {
  const { settings } = parseSettings({ Extensions: { default: { TargetPort: containerPort } } }, '1');
  const { files } = render(inputOf(services, settings));
  const folder = '/tmp/configuration';
  await proxy.write(folder, Object.fromEntries(files.map(({ path, text }) => [path, text])));

  const begun = performance.now();
  const start = `SIGNALBOX_CONFIG_PATH=${folder}/nginx.conf exec node lib/proxy/main.js nginx -g 'daemon off;'`;
  await proxy.startBeside('sh', '-c', start);
  // See healthCommand() in src/model/own-services/owned-service.ts: without a version, the mounted one must be served.
  await eventually(
    async () => {
      expect((await proxy.ask({ host: 'nobody.example.org' })).status).toBe(503);
      expect(await proxy.list('/tmp/signalbox')).not.toContain('serving');
    },
    { timeoutMs: 60_000, intervalMs: 50 },
  );
  console.log(`${COUNT} names: healthy after ${((performance.now() - begun) / 1000).toFixed(1)} s`);

  expect(await statuses()).toEqual({ 200: COUNT });
});
