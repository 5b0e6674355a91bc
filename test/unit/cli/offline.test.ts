import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { signalbox } from '../../support/command-line.ts';
import { composePath } from '../../support/compose.ts';

const simple = composePath('examples/simple.yml');
const clusters = composePath('examples/service-clusters.yml');

const broken = `services:
  app:
    image: x
    deploy:
      labels:
        com.docker.lb.hosts: app.example.org
        com.docker.lb.port: "80%,a"
        com.docker.lb.ip_hahs: "1"
`;

let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'Shop '));
  file = join(folder, 'stack.yml');
  writeFileSync(file, broken);
  return () => rmSync(folder, { recursive: true });
});

describe('signalbox lint', () => {
  it('has nothing to say but a summary where nothing is wrong', async () => {
    expect(await signalbox(['lint', simple])).toEqual({
      code: 0,
      out: 'Stack demo: 1 route of 1 service, nothing wrong\n',
      err: '',
    });
  });

  it('tells where, which label, what is wrong, and what would be right', async () => {
    const { code, out } = await signalbox(['lint', file, '--stack', 'shop']);

    expect(code).toBe(1);
    expect(out).toBe(`${file}:7:9: error: com.docker.lb.port "80%,a" is not a whole number (shop_app)
    Give it a port, 1 to 65535, for example 8080.
${file}:8:9: warning: com.docker.lb.ip_hahs "1" is not a label that is known (shop_app)
    Did you mean com.docker.lb.ip_hash?
Stack shop: 1 route of 1 service, 1 error, 1 warning
`);
  });

  it('writes JSON', async () => {
    const { code, out } = await signalbox(['lint', file, '--format', 'json', '--stack', 'shop']);

    expect(code).toBe(1);
    expect(JSON.parse(out)[0]).toEqual({
      file,
      line: 7,
      column: 9,
      severity: 'error',
      service: 'shop_app',
      label: 'com.docker.lb.port',
      value: '80%,a',
      reason: 'is not a whole number',
      remedy: 'Give it a port, 1 to 65535, for example 8080.',
    });
    expect(await signalbox(['lint', file, '--json', '--stack', 'shop'])).toEqual({ code, out, err: '' });
    expect((await signalbox(['lint', simple, '--json'])).out).toBe('[]\n');
  });

  it('writes annotations for GitHub', async () => {
    const { out } = await signalbox(['lint', file, '--format', 'github', '--stack', 'shop']);

    expect(out.split('\n')[0]).toBe(
      `::error file=${file},line=7,col=9,title=shop_app com.docker.lb.port::"80%25,a" is not a whole number. Give it a port, 1 to 65535, for example 8080.`,
    );
  });

  it('minds warnings where it is strict', async () => {
    const warned = ['lint', '-', '--stack', 'shop'];
    const stdin = broken.replace('80%,a', '80');

    expect((await signalbox(warned, { stdin })).code).toBe(0);
    expect((await signalbox([...warned, '--strict'], { stdin })).code).toBe(1);
  });

  it('names a stack after the folder', async () => {
    expect((await signalbox(['lint', file])).out).toMatch(/^Stack shop\w+: /m);
  });

  it('takes variables from the environment, and from a file', async () => {
    const variables = join(folder, 'variables.env');
    writeFileSync(variables, 'HOST=fromfile\nPORT=80\n');
    const stdin = broken.replace('app.example.org', '$' + '{HOST}.example.org').replace('80%,a', '$PORT');
    const explain = (...more: string[]) => signalbox(['explain', '-', ...more], { stdin, env: { PORT: '81' } });

    expect((await explain('http://fromfile.example.org/')).code).toBe(1);
    expect((await explain('http://fromfile.example.org/', '--env-file', variables)).code).toBe(0);
    expect((await signalbox(['lint', '-'], { stdin, env: { HOST: 'a' } })).out).toContain('variable PORT, which');
  });

  it('knows the service clusters of the settings', async () => {
    const settings = join(folder, 'config.toml');
    writeFileSync(settings, '[Extensions.east]\nServiceCluster = "east"\n');
    const { code, out } = await signalbox(['lint', clusters, '--settings', settings]);

    expect(code).toBe(1);
    expect(out).toContain('com.docker.lb.service_cluster "west" is a service cluster that is not set up');
    expect(out).not.toContain('"east" is');
  });

  it('shows colours on a terminal alone', async () => {
    expect((await signalbox(['lint', file], { colour: true })).out).toContain('\u001b[31merror:');
    expect((await signalbox(['lint', file])).out).not.toContain('\u001b');
  });
});

describe('signalbox render', () => {
  it('writes the configuration, and what is wrong beside it', async () => {
    const good = await signalbox(['render', simple]);
    const bad = await signalbox(['render', file]);

    expect(good).toMatchObject({ code: 0, err: '' });
    expect(good.out).toContain('server_name "app.example.org";');
    expect(good.out).toContain('server "tasks.demo_demo.demo_demo-network:8080" resolve;');
    expect(bad.code).toBe(1);
    expect(bad.out).toContain('server_name "app.example.org";');
    expect(bad.err).toContain(':7:9: error: com.docker.lb.port');
  });

  it('writes each service cluster, or one', async () => {
    const names = async (...options: string[]) =>
      (await signalbox(['render', clusters, ...options])).out.match(/(?<=server_name ")demo[^"]+/g);

    expect(await names()).toEqual(['demo.a', 'demo.b']);
    expect(await names('--cluster', 'west')).toEqual(['demo.b']);
    expect(await signalbox(['render', clusters, '--cluster', 'north'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('no service cluster north, but: default, east, west'),
    });
  });

  it('writes JSON', async () => {
    const [rendered] = JSON.parse((await signalbox(['render', simple, '--json'])).out);

    expect(rendered).toMatchObject({
      cluster: 'default',
      version: expect.stringMatching(/^[0-9a-f]{16}$/),
      files: [{ path: 'nginx.conf', text: expect.stringContaining('app.example.org') }],
    });
  });
});

describe('signalbox explain', () => {
  it('tells who answers, and why', async () => {
    expect(await signalbox(['explain', simple, 'http://app.example.org/ping'])).toEqual({
      code: 0,
      out: `http://app.example.org/ping (service cluster default)
  demo_demo by the route app.example.org/, asked for /ping
  - The host app.example.org belongs to the exact name app.example.org.
  - The path /ping lies below no other context root.
`,
      err: '',
    });
  });

  it('tells why nobody answers, in every service cluster', async () => {
    const { code, out } = await signalbox(['explain', clusters, 'demo.C']);

    expect(code).toBe(1);
    expect(out.match(/503: no route has this host/g)).toHaveLength(2);
  });

  it('writes JSON', async () => {
    const { out } = await signalbox(['explain', clusters, 'demo.A', '--json']);

    expect(JSON.parse(out)).toMatchObject([
      { cluster: 'east', answer: { kind: 'service', route: { services: ['examples_east'] } } },
      { cluster: 'west', answer: { kind: 'no-host' } },
    ]);
  });

  it.each([[[simple]], [['http://app.example.org/']], [[]]])('wants a file and a URL, not %j', async (positionals) => {
    expect(await signalbox(['explain', ...positionals])).toMatchObject({
      code: 2,
      err: 'signalbox: Which compose file, and which URL?\nSee: signalbox help explain\n',
    });
  });

  it('wants a URL', async () => {
    expect(await signalbox(['explain', simple, 'ftp://x'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('not a URL'),
    });
  });
});

describe('the command line', () => {
  it.each([
    [['frobnicate'], 'There is no command frobnicate.'],
    [['help', 'frobnicate'], 'There is no command frobnicate.'],
    [['lint'], 'Which compose file?'],
    [['lint', '/nowhere/stack.yml'], 'Cannot read /nowhere/stack.yml'],
    [['lint', simple, '--format', 'xml'], 'The format is one of: text, json, github.'],
    [['lint', simple, '--no-such-option'], '--no-such-option'],
    [['lint', simple, '--stack', 'a b'], 'no name for a stack'],
    [['lint', simple, '--settings', simple], 'is not TOML'],
  ])('does not understand %j', async (argv, message) => {
    expect(await signalbox(argv)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) });
  });

  it.each([[[]], [['help']], [['--help']], [['-h']]])('helps with %j', async (argv) => {
    const { code, out } = await signalbox(argv);

    expect(code).toBe(0);
    expect(out).toContain('signalbox <command>');
    expect(out).toContain('Exit codes');
  });

  it.each([[['help', 'lint']], [['lint', '--help']], [['lint', simple, '-h']]])('helps with %j', async (argv) => {
    const { code, out } = await signalbox(argv);

    expect(code).toBe(0);
    expect(out).toContain('signalbox lint <compose.yml…>');
    expect(out).toContain('--format <text|json|github>');
  });

  it('runs on whatever Node there is', async () => {
    const bin = new URL('../../../bin/signalbox.js', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(bin, ['explain', simple, 'http://app.example.org/', '--json']);

    expect(JSON.parse(stdout)).toMatchObject([{ answer: { kind: 'service' } }]);
  });
});
