// README and the guides for a running Signalbox with its default settings, with their commands as written. Each test
// goes on where the previous one ended. A proxy may answer while the others still join a network, so each deployment
// settles first.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { eventually } from '../support/eventually.ts';
import type { GuideShell } from '../support/guide-shell.ts';
import { discard, openSignedIn } from '../support/guide-world.ts';
import { bed, curl, pings, removeStack, settled } from '../support/interlock.ts';
import { ManagerMachine } from '../support/manager-machine.ts';

let shell: GuideShell;

beforeAll(async () => {
  shell = await openSignedIn();
});
afterAll(async () => {
  await removeStack('demo');
  await removeStack('shop');
  await shell.run('npx signalbox tokens revoke prometheus || true');
  const certificates = ['app.cert.1', 'app.key.1', 'app.cert.2', 'app.key.2'];
  await discard(shell, 'secret', ...certificates, 'shop-users', 'signalbox-metrics-token', 'grafana-password');
  await discard(shell, 'config', 'signalbox-ca');
  shell[Symbol.dispose]();
});

it('README: the first route answers, and the command line explains it', async () => {
  shell.save('whoami.yml', shell.blocks('README.md', 'First route', 'yaml')[0]!);
  const [deploy, ask] = shell.commands('README.md', 'First route');
  const [lint, explain, convert, problems] = shell.commands('README.md', 'Command line');
  shell.save('traefik.yml', `services:\n  app:\n    image: nginx\n${traefikExample('# Traefik')}`);
  await shell.run(deploy!);
  await settled();

  expect(await shell.run(lint!)).toContain('1 route of 1 service, no problems');
  expect(await shell.run(explain!)).toContain('whoami by the route whoami.example.org/');
  // It has no certificate for TLS, which is a warning.
  expect(await shell.fail(convert!)).toContain('com.docker.lb.hosts: app.example.org');
  await shell.until(ask!, 'Instance');
  expect(await shell.run(problems!)).toContain('No problems');
});

/** An example of from-traefik.md, indented as part of a service. */
function traefikExample(start: string): string {
  const block = shell.blocks('from-traefik', 'An example', 'yaml').find((text) => text.startsWith(start));
  return block!.replaceAll(/^(?=.)/gm, '    ');
}

it('editors and pipelines: the schemas and the findings are written', async () => {
  for (const heading of ['Complete labels', 'Complete settings', 'Check in other'])
    for (const command of shell.commands('editors', heading)) await shell.run(command);

  expect(shell.read('compose.schema.json')).toContain('com.docker.lb.hosts');
  expect(shell.read('settings.schema.json')).toContain('ProxyReplicas');
  expect(JSON.parse(shell.read('signalbox.sarif'))).toMatchObject({ version: '2.1.0', runs: [{ results: [] }] });
});

it('from Traefik: the converted file and the example have no problems', async () => {
  const [convert, lintConverted] = shell.commands('from-traefik', 'Convert the files');
  shell.save('shop.yml', shell.read('traefik.yml'));
  await shell.fail(convert!);
  expect(shell.read('converted.yml')).toContain('com.docker.lb.context_root: /api');
  await shell.run(lintConverted!);

  const app = `services:\n  app:\n    image: nginx\n${traefikExample('# Signalbox')}`;
  shell.save('shop.yml', `${app}secrets:\n  app.cert:\n    external: true\n`);
  const [lint] = shell.commands('from-traefik', 'An example');
  expect(await shell.run(lint!)).toBe('Stack shop: 1 route of 1 service, no problems\n');
});

it('from Interlock: the checks accept the settings and a file, and the swarm is healthy', async () => {
  const [, check] = shell.blocks('from-interlock', '1. Check your files');
  shell.save('shop.yml', shell.blocks('releases', 'Send chosen requests', 'yaml')[0]!);
  expect(await shell.run(check!)).toContain('shop_app by the route shop.example.org/');

  const [, look] = shell.blocks('from-interlock', '4. Switch over');
  expect(await shell.run(look!)).toMatch(/^Healthy[\s\S]*whoami\.example\.org .* 1 of 1 task\n[\s\S]*No problems/);
});

it('TLS: a service answers over HTTPS, and with a renewed certificate', async () => {
  const [certificate, create] = shell.blocks('tls', '1. Create');
  const [lint, deploy] = shell.commands('tls', '3. Check');
  const [ask, redirected] = shell.commands('tls', '4. See');
  await shell.run(certificate!);
  await shell.run(create!);
  shell.save('app.yml', shell.blocks('tls', '2. Name', 'yaml')[0]!);
  expect(await shell.run(lint!)).toBe('Stack shop: 1 route of 1 service, no problems\n');
  await shell.run(deploy!);
  await settled();

  await shell.until(ask!, 'Instance');
  const answer = await shell.run(redirected!);
  for (const line of shell.blocks('tls', '4. See', '')[0]!.trim().split('\n')) expect(answer).toContain(line);

  // It does not verify against the first one.
  await shell.run(certificate!);
  await shell.fail(ask!);
  await shell.run(shell.blocks('tls', '5. Renew')[0]!);
  await shell.until(ask!, 'Instance');
  expect(await shell.run(shell.inline('tls', 'npx signalbox certificates'))).toContain('app.cert.2');
  await shell.until(shell.inline('tls', 'docker secret rm app.cert.1'), '');
  expect(await shell.run(shell.inline('tls', 'npx signalbox problems shop_app'))).toContain('No problems');
});

it('troubleshooting: the commands explain a mistake, and the report contains no secret', async () => {
  const [problems, routes, tried] = shell.commands('troubleshooting', 'Troubleshooting');
  await shell.run('docker service update --detach --label-add com.docker.lb.port=http demo_whoami');
  await eventually(async () => expect(await shell.fail(problems!)).toMatch('is not a whole number (demo_whoami)'));
  expect(await shell.run(routes!)).toMatch(/whoami\.example\.org .*closed by com\.docker\.lb\.port/);
  // The name is not in DNS.
  expect(await shell.fail(tried!)).toMatch(/shop_app by the route app\.example\.org[\s\S]*DNS/);

  const [status, list, ...others] = shell.commands('troubleshooting', 'Report a bug');
  const report = [await shell.run(status!), await shell.fail(list!)];
  for (const command of others) report.push(await shell.run(command));
  expect(report.join('\n')).toContain('demo_whoami');
  for (const secret of [shell.read('password').trim(), 'PRIVATE KEY']) expect(report.join('\n')).not.toContain(secret);

  await shell.run('docker service update --detach --label-add com.docker.lb.port=80 demo_whoami');
  await shell.until(problems!, 'No problems');
});

it('monitoring: a Prometheus outside of the swarm can read the metrics, and the log has the problems', async () => {
  for (const block of shell.blocks('monitoring', '1. Create')) await shell.run(block);
  const [{ scheme, tls_config: tls, static_configs: targets }] = parse(
    shell.blocks('monitoring', 'A Prometheus of your own', 'yaml')[1]!,
  ).scrape_configs;
  const port = targets[0].targets[0].split(':')[1];
  const address = `${scheme}://${tls.server_name}:${port}`;
  const scrape = `curl -sf --cacert ca.pem -H "Authorization: Bearer $(cat token)" ${address}/metrics`;
  const metrics = await shell.run(scrape);
  expect(metrics).toMatch(/^signalbox_replicas\{.*desired="true".*\} 2$/m);
  expect(metrics).toMatch(/^signalbox_desired_replicas\{cluster="default"\} 2$/m);

  expect(await shell.run(`curl -s -o /dev/null -w '%{http_code}' --cacert ca.pem ${address}/healthz`)).toBe('200');
  const logged = await shell.run(shell.blocks('monitoring', 'Logs')[0]!);
  expect(logged).toContain('demo_whoami');
});

it('releases: requests are chosen, shared, copied, and answered by the fallback', async () => {
  const [chosen] = shell.blocks('releases', 'Send chosen', 'yaml');
  shell.save('releases.yml', chosen!);
  await shell.run('docker stack deploy -c releases.yml shop');
  await settled();
  await shell.until(shell.inline('releases', "curl -H 'X-Canary: 1'"), versionOnPage(2));
  await shell.until('curl http://shop.example.org/', versionOnPage(1));
  const explained = await shell.run(shell.inline('releases', 'npx signalbox explain'));
  expect(explained).toMatch(/shop_canary by the route shop\.example\.org\/[\s\S]*matches header:x-canary=1/);

  shell.save('releases.yml', withSharesAndMore(parse(chosen!)));
  await shell.run('docker stack deploy -c releases.yml shop');
  await settled();
  const host = 'shop.example.org';
  await eventually(async () => {
    const versions = (await pings(host, 200)).map(({ version }) => version);
    const canaries = versions.filter((version) => version === '2').length;
    expect(versions.filter((version) => version === '1')).toHaveLength(200 - canaries);
    expect(canaries).toBeGreaterThan(8);
    expect(canaries).toBeLessThan(40);
  });
  await eventually(async () => {
    await pings(host, 50);
    expect(await shell.run('docker service logs --raw shop_shadow')).toContain('/ping');
  });
  await shell.until('npx signalbox problems', 'No problems');

  await shell.run('docker service scale --detach shop_app=0 shop_canary=0');
  await shell.until(`curl http://${host}/`, versionOnPage('waker'));
});

const versionOnPage = (version: number | string) => new RegExp(`Version</th><td>${version}<`);

interface Compose {
  readonly services: Record<string, { readonly deploy?: { labels: Record<string, string> } } & Record<string, unknown>>;
}

/** The guide's file with its shares, its fallback and its copies, and the services that these name. */
function withSharesAndMore(compose: Compose): string {
  const text = shell.text('releases');
  for (const [, name, weight] of text.matchAll(/^\| `(app|canary)` \| `(\d+)` \|/gm)) {
    const { labels } = compose.services[name!]!.deploy!;
    delete labels['com.docker.lb.match'];
    labels['com.docker.lb.weight'] = weight!;
    Object.assign(labels, parse(shell.blocks('releases', 'Answer for', 'yaml')[0]!));
  }
  const copies = parse(shell.blocks('releases', 'Try a version', 'yaml')[0]!) as Record<string, string>;
  Object.assign(compose.services.app!.deploy!.labels, copies);
  const printUrls = 'require("http").createServer((q, s) => { console.log(q.url); s.end(); }).listen(8080)';
  compose.services.waker = { image: 'signalbox/demo', environment: { PORT: '10000', VERSION: 'waker' } };
  compose.services.shadow = {
    image: 'signalbox/demo',
    entrypoint: ['node', '-e', printUrls],
    healthcheck: { disable: true },
  };
  return stringify(compose);
}

it('authentication: a password opens the service, and no proxy is replaced', async () => {
  const before = await bed.runningIds('signalbox-proxy');
  for (const command of shell.commands('authentication', 'Passwords')) await shell.run(command);
  const labels = parse(shell.blocks('authentication', 'Passwords', 'yaml')[0]!);
  shell.save('auth.yml', stringify({ services: { app: { image: 'signalbox/demo', deploy: { labels } } } }));
  await shell.run('docker stack deploy --prune -c auth.yml shop');
  await settled();

  await shell.until('curl -i http://shop.example.org/', /401[\s\S]*realm="Shop"/);
  const headers = await shell.until(
    'curl --user alice:secret http://shop.example.org/echo',
    '"x-forwarded-user":"alice"',
  );
  expect(headers).not.toContain('authorization');
  expect(await bed.runningIds('signalbox-proxy')).toEqual(before);
});

it('ACME: the internal CA issues a certificate that its root verifies', async () => {
  const [host] = /\bapp\.internal\.example\b/.exec(shell.text('acme'))!;
  const labels = { hosts: host, port: '8080', acme: 'internal' };
  const deploy = {
    labels: Object.fromEntries(Object.entries(labels).map(([name, value]) => [`com.docker.lb.${name}`, value])),
  };
  shell.save('internal.yml', stringify({ services: { app: { image: 'signalbox/demo', deploy } } }));
  await shell.run('docker stack deploy -c internal.yml shop');
  await settled();
  const [root, ask] = shell.commands('acme', 'Without a public CA');
  await shell.run(root!);
  await shell.until(ask!, 'Instance');
});

it('upgrade: the checks pass, and a configuration is rolled back', async () => {
  const version = inject('version');
  const [list, ...checks] = shell.commands('upgrade', '3. Check');
  const before = (await settled()).clusters[0]!.version!;
  for (const line of (await shell.run(list!)).trim().split('\n')) expect(line).toMatch(`:${version}`);
  for (const check of checks) await shell.run(check);

  const ask = "curl -H 'Host: hello.example.org' http://127.0.0.1:8080/";
  await shell.run(
    'docker service update --detach --label-add com.docker.lb.hosts=whoami.example.org,hello.example.org demo_whoami',
  );
  await shell.until(ask, 'Instance');
  const after = (await settled()).clusters[0]!.version!;
  const [versions, diff, rollback, release] = shell
    .commands('docs/administration.md', 'Roll back')
    .map((command) => command.replace('0f3c…', before).replace('9d21…', after));
  expect(await shell.run(versions!)).toMatch(
    new RegExp(`${after}.*served[\\s\\S]*hello\\.example\\.org[\\s\\S]*${before}`),
  );
  expect(await shell.fail(diff!)).toContain('hello.example.org');
  expect(await shell.run(rollback!)).toContain('hello.example.org');
  await eventually(async () => expect(await shell.run(ask)).not.toContain('Instance'));
  await shell.until(checks.at(-1)!, before);
  await shell.run(release!);
  await shell.until(ask, 'Instance');
});

it('upgrade Docker Engine: the proxies leave a drained node, and return to it', async () => {
  const [drain, activate] = shell.commands('upgrade', 'Upgrade Docker Engine');
  await shell.run(drain!);
  await eventually(async () => expect(await bed.nodeOfEachTask('signalbox-proxy')).toEqual(['worker2', 'worker2']));
  await eventually(async () => expect((await curl('whoami.example.org')).status).toBe(200));
  await shell.run(activate!);
  await eventually(async () => expect(await bed.nodeOfEachTask('signalbox-proxy')).toEqual(['worker1', 'worker2']));
});

it('backup: the swarm is saved, and the workers serve while the engine of the manager is stopped', async () => {
  await shell.run('docker service update --quiet --constraint-add node.role==worker demo_whoami');
  await using machine = await ManagerMachine.open(bed);
  const { clusters } = await settled();
  const [nodes, ...backUp] = shell.commands('backup', 'Back up');
  expect(await shell.run(nodes!)).toContain('Leader');
  for (const command of backUp) {
    await machine.run(command);
    shell.note(command);
    if (command.startsWith('tar')) expect((await curl('hello.example.org')).status).toBe(200);
  }
  await machine.run('tar -tzf swarm-backup.tar.gz swarm/raft swarm/docker-state.json');

  const [check] = shell.blocks('backup', 'Restore').slice(1);
  await shell.until(check!, '2 of 2');
  expect((await settled()).clusters[0]).toMatchObject({ served: clusters[0]!.served });
});

it('run all of their commands', () => {
  expect(shell.left('guides-use')).toEqual([]);
});
