// Privileges: extension and proxies have none, and applications cannot reach the control channel.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issueIdentity } from '../../src/protocol/certificates.ts';
import { controllerName, extensionName } from '../../src/protocol/names.ts';
import { containersOf, runNode } from '../support/containers.ts';
import { bed, settled } from '../support/interlock.ts';
import { answers, Stack } from '../support/story.ts';

const stack = new Stack('security');

beforeAll(async () => {
  await stack.deploy({ app: { host: 'security.local' } });
  await settled();
  await answers('security.local');
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Identifies the server by its certificate: some networks accept connections for any address. */
const whoIs = (host: string) => `
  const tls = require('node:tls');
  const say = (text) => { console.log(text); process.exit(); };
  setTimeout(say, 3000, 'nobody');
  tls.connect({ host: '${host}', port: 7443, rejectUnauthorized: false }, function () {
    say(this.getPeerCertificate().subject.CN);
  }).on('error', ({ code }) => say(code));`;

describe.each(['signalbox-proxy', 'signalbox-extension'])('%s', (service) => {
  it('runs without root, capabilities, a writable file system or the Docker socket', async () => {
    const containers = await containersOf(service);

    expect(containers.length).toBeGreaterThan(0);
    for (const { Config, HostConfig, Mounts } of containers) {
      expect(Config.User).toBe('101:101');
      expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, Privileged: false, CapDrop: ['ALL'] });
      expect(HostConfig.CapAdd ?? []).toEqual([]);
      expect(HostConfig.Binds ?? []).toEqual([]);
      expect(JSON.stringify(Mounts)).not.toContain('docker.sock');
    }
    const status = await bed.exec(service, 'node', '-p', 'fs.readFileSync("/proc/1/status", "utf8")');
    expect(status).toMatch(/^Uid:\s+101\s+101\s+101\s+101$/m);
    for (const kind of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
      expect(status).toMatch(new RegExp(`^Cap${kind}:\\s+0+$`, 'm'));
    const write = 'fs.writeFileSync("/etc/nginx/nginx.conf", "")';
    await expect(bed.exec(service, 'node', '-e', write)).rejects.toThrow(/EROFS/);
  });
});

describe('the control channel', () => {
  it('is on no network of an application', async () => {
    const extension = (await containersOf('signalbox-extension'))[0]!;
    const { signalbox } = extension.NetworkSettings.Networks;

    expect(signalbox?.IPAddress).toMatch(/^\d/);
    // The same program does reach it from the controller's network. The plain name is the virtual address, which needs
    // IPVS.
    expect(await runNode('signalbox_controller', whoIs('tasks.signalbox-extension'))).toBe(extensionName('default'));
    expect(await runNode('signalbox_controller', whoIs(signalbox!.IPAddress))).toBe(extensionName('default'));
    expect(await runNode('security_app', whoIs('tasks.signalbox-extension'))).toMatch(/ENOTFOUND|EAI_AGAIN/);
    expect(await runNode('security_app', whoIs(signalbox!.IPAddress))).not.toBe(extensionName('default'));
  });

  it('rejects a client without a certificate, and one with a certificate of another CA', async () => {
    const ask = (options: string) => `
      const { request } = require('node:https');
      const fail = ({ code }) => { console.log(code); process.exit(); };
      request({ host: 'tasks.signalbox-extension', port: 7443, path: '/render', method: 'POST', rejectUnauthorized: false, ${options} },
        ({ statusCode }) => { console.log('answer ' + statusCode); process.exit(); }).on('error', fail).end('{}');`;

    expect(await runNode('signalbox_controller', ask(''))).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
    const { cert, key } = await foreignIdentity();
    const foreign = `cert: ${JSON.stringify(cert)}, key: ${JSON.stringify(key)}`;
    expect(await runNode('signalbox_controller', ask(foreign))).not.toContain('answer');
  });

  async function foreignIdentity() {
    const now = Date.now();
    return issueIdentity(await createAuthority(now), controllerName, now);
  }
});
