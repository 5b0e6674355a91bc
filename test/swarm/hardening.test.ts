// What a compromised container can do, according to the kernel in the running containers: as little as possible.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issueIdentity } from '../../src/protocol/certificates.ts';
import { containersOf, runNode } from '../support/containers.ts';
import { bed, curl, demo, eventually, settled } from '../support/interlock.ts';
import { answers, Stack } from '../support/story.ts';

const stack = new Stack('hardening');

beforeAll(async () => {
  await stack.deploy({ app: { host: 'hardening.local' } });
  await settled();
  await answers('hardening.local');
  // The first controller of a new stack has not attached its secrets yet, and may still be ending.
  await eventually(async () => expect(await containersOf('signalbox_controller')).toHaveLength(1));
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Runs a program in a task. Resolves with its last JSON output. */
async function run<T>(service: string, program: string): Promise<T> {
  return JSON.parse(await runNode(service, program)) as T;
}

interface Mount {
  readonly target: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** In the kernel's notation. */
async function mountsOf(service: string): Promise<Mount[]> {
  const text = await run<string>(service, 'console.log(JSON.stringify(fs.readFileSync("/proc/1/mounts", "utf8")))');
  const lines = text.trim().split('\n');
  return lines.map((line) => {
    const [, target = '', type = '', options = ''] = line.split(' ');
    return { target, type, options: options.split(',') };
  });
}

/** The kernel's own file systems. Everything below them is the kernel's. */
const isKernels = ({ target, type }: Mount) =>
  /^\/(proc|sys)(\/|$)/.test(target) || ['devpts', 'mqueue'].includes(type) || target === '/dev';

const services = {
  signalbox_controller: { user: '', memory: 4 * 2 ** 30, pids: 512, tmpfs: { '/tmp': 16 } },
  'signalbox-extension': { user: '101:101', memory: 4 * 2 ** 30, pids: 1024, tmpfs: { '/tmp': 128 } },
  'signalbox-proxy': {
    user: '101:101',
    memory: 16 * 2 ** 30,
    pids: 16_384,
    tmpfs: { '/tmp': 128, '/tmp/client-body': 16 },
  },
} as const;

/** Docker's local driver cannot mount a volume with noexec: see docs/security.md. */
const volumes: Readonly<Record<string, readonly string[]>> = { 'signalbox-proxy': ['/var/lib/signalbox'] };
/** Files that the engine writes into the container. */
const engineFiles = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];

describe('signalbox_admin', () => {
  it('has neither the Docker socket nor secrets', async () => {
    const containers = await containersOf('signalbox_admin');

    expect(containers.length).toBeGreaterThan(0);
    for (const { Config, HostConfig, Mounts } of containers) {
      expect(Config.User).toBe('65534:65534');
      expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, Privileged: false, CapDrop: ['ALL'] });
      expect(HostConfig).toMatchObject({ Memory: 256 * 2 ** 20, PidsLimit: 64 });
      // Neither the Docker socket nor secrets.
      expect(Mounts).toEqual([]);
    }
  });
});

describe.each(Object.entries(services))('%s', (service, { user, memory, pids, tmpfs }) => {
  it('has limits, no capabilities, and no way to gain privileges', async () => {
    const containers = await containersOf(service);

    expect(containers.length).toBeGreaterThan(0);
    for (const { Config, HostConfig } of containers) {
      expect(Config.User).toBe(user);
      expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, Privileged: false, CapDrop: ['ALL'] });
      expect(HostConfig).toMatchObject({ Memory: memory, PidsLimit: pids });
      expect(HostConfig.SecurityOpt).toContain('no-new-privileges=true');
    }
    const status = await run<string>(service, 'console.log(JSON.stringify(fs.readFileSync("/proc/1/status", "utf8")))');
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(/^Seccomp:\s+2$/m);
    for (const kind of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
      expect(status).toMatch(new RegExp(`^Cap${kind}:\\s+0+$`, 'm'));
  });

  it('is healthy according to its own health check', async () => {
    await eventually(async () => {
      const containers = await containersOf(service);
      expect(containers.length).toBeGreaterThan(0);
      for (const { State } of containers) expect(State.Health?.Status).toBe('healthy');
    });
  });

  it('can write only to memory of limited size, and execute nothing there', async () => {
    const mounts = await mountsOf(service);
    const root = mounts.findLast(({ target }) => target === '/')!;
    expect(root.options).toContain('ro');

    const writable = mounts.filter((mount) => !isKernels(mount) && !mount.options.includes('ro'));
    const kept = writable.filter(({ target }) => !engineFiles.includes(target));
    const expected = [...Object.keys(tmpfs), '/dev/shm', ...(volumes[service] ?? [])];
    // The socket is a file that the controller needs.
    if (service === 'signalbox_controller') expected.push('/run/docker.sock');
    expect(kept.map(({ target }) => target.replace('/var/run/', '/run/')).toSorted()).toEqual(expected.toSorted());
    for (const [target, megabytes] of Object.entries(tmpfs)) {
      const { type, options } = mounts.find((mount) => mount.target === target)!;
      expect(type).toBe('tmpfs');
      expect(options).toEqual(expect.arrayContaining(['noexec', 'nosuid', 'nodev', `size=${megabytes * 1024}k`]));
    }
    const attack = `const report = { run: [], written: [] };
      for (const folder of ['/tmp', '/dev/shm']) {
        fs.writeFileSync(folder + '/attack', '#!/usr/local/bin/node\\n', { mode: 0o755 });
        report.run.push(child_process.spawnSync(folder + '/attack').error?.code);
        fs.rmSync(folder + '/attack');
      }
      for (const folder of ['/', '/app', '/etc', '/usr/local/bin', '/run', '/var/tmp', '/root', '/dev'])
        try { fs.writeFileSync(folder + '/attack', ''); report.written.push(folder); } catch {}
      console.log(JSON.stringify(report));`;
    // In /dev, root may create files. The engine mounts it with nosuid, and without capabilities there are no devices.
    const written = user === '' ? ['/dev'] : [];
    expect(await run(service, attack)).toEqual({ run: ['EACCES', 'EACCES'], written });
  });

  it('has no file that grants privileges, and no unnecessary shell or package manager', async () => {
    const program = `const found = [];
      const look = (folder) => {
        for (const name of fs.readdirSync(folder)) {
          const path = folder + '/' + name;
          if (/^\\/\\/?(proc|sys|dev)$/.test(path)) continue;
          const stat = fs.lstatSync(path);
          if (stat.isFile() && stat.mode & 0o6000) found.push(path);
          if (stat.isDirectory()) try { look(path); } catch {}
        }
      };
      look('/');
      const tools = ['sh', 'bash', 'apt', 'dpkg', 'perl', 'npm', 'npx', 'python3', 'wget', 'mount', 'su', 'setpriv'];
      const there = tools.filter((tool) => child_process.spawnSync(tool, ['--version']).error?.code !== 'ENOENT');
      console.log(JSON.stringify({ found, there }));`;
    // Health check and preparation are scripts.
    const there = service === 'signalbox-proxy' ? ['sh'] : [];
    expect(await run(service, program)).toEqual({ found: [], there });
  });
});

describe('an application in the swarm', () => {
  const attempt = (host: string, port: number, options: string) => `
    const { request } = require('node:https');
    const say = (text) => { console.log(JSON.stringify(text)); process.exit(); };
    setTimeout(say, 5000, 'nobody answers');
    request({ host: '${host}', port: ${port}, path: '/_ping', rejectUnauthorized: false, ${options} }, ({ statusCode }) => say(statusCode))
      .on('error', ({ code }) => say(code)).end();`;

  it.each(bed.nodes.map(({ name }) => name))('cannot use the engine of %s', async (name) => {
    const { ip, docker } = bed.node(name);
    const { cert, key } = await issueIdentity(await createAuthority(Date.now()), 'bed', Date.now());
    const foreign = `cert: ${JSON.stringify(cert)}, key: ${JSON.stringify(key)}`;

    expect(await run(stack.service(), attempt(ip, 2375, ''))).toBe('ECONNREFUSED');
    expect(await run(stack.service(), attempt(ip, 2376, ''))).toMatch(/CERTIFICATE_REQUIRED/);
    expect(await run(stack.service(), attempt(ip, 2376, foreign))).toMatch(/ALERT|CERTIFICATE|ECONNRESET/);
    // The port is open, and a client with the bed's identity is accepted.
    expect(String(await docker.ping())).toBe('OK');
  });
});

describe('a service that mounts the volume of the proxies', () => {
  const attacker = 'hardening-attacker';
  /** Stores a version beside each existing one: newer, with correct digests and the signature of the original. */
  const forge = `
    const crypto = require('node:crypto');
    const folder = '/volume';
    const digest = (text) => crypto.createHash('sha256').update(text).digest('hex').slice(0, 16);
    for (const name of fs.readdirSync(folder)) {
      const [boot, version] = name.split('-');
      const read = (path) => fs.readFileSync([folder, name, path].join('/'), 'utf8');
      const list = JSON.parse(read('.version.json'));
      const files = list.files.map(({ path }) => ({ path, text: read(path).replaceAll('server_name "hardening.local";', 'server_name "hardening.local"; return 418;') }));
      for (const file of files.slice(1)) file.digest = digest(['default', file.path, file.text].join('\\n'));
      const marked = files[0].text.replace(version, '@version@');
      const forged = digest(['default', marked, ...files.slice(1).map((file) => file.digest)].join('\\n'));
      Object.assign(files[0], { digest: forged, text: marked.replace('@version@', forged) });
      if (forged === version) continue;
      const target = folder + '/' + boot + '-' + forged;
      fs.mkdirSync(target);
      for (const { path, text } of files) fs.writeFileSync(target + '/' + path, text);
      const seal = list.seal;
      fs.writeFileSync(target + '/.version.json', JSON.stringify({ version: forged, files: files.map(({ path, digest }) => ({ path, digest })), seal }));
      fs.utimesSync(target, new Date(Date.now() + 60_000), new Date(Date.now() + 60_000));
      console.log('forged ' + forged);
    }
    setInterval(() => {}, 1e6);`;

  afterEach(async () => {
    await bed.docker('service', 'scale', '--detach', 'signalbox_controller=1', 'signalbox-extension=1');
    await bed.docker('service', 'rm', attacker);
    await settled();
  });

  it('cannot make a proxy start with its configuration, even if controller and extension are down', async () => {
    // An in-place change, which is stored on the volume.
    const label = 'com.docker.lb.hosts=hardening.local,changed.local';
    await bed.docker('service', 'update', '--detach', '--quiet', '--label-add', label, stack.service());
    await answers('changed.local');
    await settled();
    const volume = 'type=volume,source=signalbox-proxy-versions,target=/volume';
    const where = ['--mode', 'global', '--constraint', 'node.role==worker'];
    const how = ['--user', '101:101', '--mount', volume, '--no-healthcheck', '--entrypoint', 'node'];
    await bed.docker('service', 'create', '--detach', '--name', attacker, ...where, ...how, demo, '-e', forge);
    await eventually(async () => expect(await bed.logs(attacker)).toMatch(/^forged/m));
    await bed.docker('service', 'scale', '--detach', 'signalbox_controller=0', 'signalbox-extension=0');
    await eventually(async () => {
      expect(await bed.running('signalbox_controller')).toEqual([]);
      expect(await bed.running('signalbox-extension')).toEqual([]);
    });

    const before = (await bed.running('signalbox-proxy')).map(({ ID }) => ID);
    for (const { docker } of bed.nodes) {
      const filters = { label: ['com.docker.swarm.service.name=signalbox-proxy'], status: ['running'] };
      for (const { Id } of await docker.listContainers({ filters })) await docker.getContainer(Id).kill();
    }

    await eventually(async () => {
      const now = await bed.running('signalbox-proxy');
      expect(now).toHaveLength(before.length);
      expect(now.filter(({ ID }) => before.includes(ID))).toEqual([]);
    });
    await answers('hardening.local');
    for (let times = 0; times < 20; times++) expect((await curl('hardening.local', '/ping')).status).toBe(200);
    expect(await bed.logs('signalbox-proxy', 200)).toContain('does not match its signature');
  });
});
