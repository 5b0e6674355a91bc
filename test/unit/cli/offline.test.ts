import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../../src/cli/commands.ts';
import { createParser } from '../../../src/cli/parser.ts';
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

const traefik = `services:
  app:
    image: x
    deploy:
      labels:
        - traefik.http.routers.app.rule=Host(\`app.example.org\`)
        - traefik.http.services.app.loadbalancer.server.port=80
        - traefik.http.services.app.loadbalancer.healthcheck.path=/
`;

it.each([
  [['acme'], 'one host'],
  [['acme', 'order', 'a.test'], 'one host'],
  [['acme', 'test'], 'one host'],
  [['acme', 'test', 'a.test', 'b.test'], 'one host'],
  [['acme', 'test', 'a.test', '--port', '99999'], 'Invalid port'],
])('refuses incomplete checks before an order: %j', async (line, expected) => {
  const { code, err } = await signalbox(line);

  expect(code).toBe(2);
  expect(err).toContain(expected);
});

describe('signalbox convert', () => {
  let foreign: string;

  beforeAll(() => {
    foreign = join(folder, 'traefik.yml');
  });

  it('prints the file with our labels, and to standard error what was lost', async () => {
    writeFileSync(foreign, traefik);

    const { code, out, err } = await signalbox(['convert', 'traefik', foreign]);

    expect(code).toBe(1);
    expect(out).toBe(`${traefik}        - com.docker.lb.hosts=app.example.org\n        - com.docker.lb.port=80\n`);
    expect(err).toMatch(/traefik\.yml:8:11: warning: .*healthcheck/);
    expect(err).toContain('1 service converted, 1 warning\n');
    expect(readFileSync(foreign, 'utf8')).toBe(traefik);
  });

  it('changes the files with --write, and removes the labels of the other router with --replace', async () => {
    writeFileSync(foreign, traefik.replace(/.*healthcheck.*\n/, ''));

    const { code, out, err } = await signalbox(['convert', 'traefik', foreign, '--write', '--replace']);

    expect({ code, out, err }).toEqual({ code: 0, out: '', err: '1 service converted, nothing lost\n' });
    expect((await signalbox(['lint', foreign])).out).toContain('1 route of 1 service, no problems');
    expect(readFileSync(foreign, 'utf8')).not.toContain('traefik');
  });

  it.each([
    [['convert'], 'Choose one of: traefik'],
    [['convert', 'apache', 'x.yml'], 'Choose one of: traefik'],
    [['convert', 'traefik'], 'Missing argument: compose file'],
    [['convert', 'traefik', 'a.yml', 'b.yml'], 'Several files require --write'],
    [['convert', 'traefik', '/nowhere/a.yml'], 'Cannot read /nowhere/a.yml'],
  ])('rejects %j', async (args, message) => {
    const { code, err } = await signalbox(args);

    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('signalbox lint', () => {
  it('recognizes the labels of other routers', async () => {
    const other = join(folder, 'other.yml');
    const lint = async (text: string) => {
      writeFileSync(other, text);
      return signalbox(['lint', other]);
    };

    const found = await lint(traefik);
    expect(found.out).toMatch(/other\.yml:6:11: notice: traefik\.http\.routers\.app\.rule is a label of Traefik/);
    expect(found.out).toContain('signalbox convert traefik');
    expect(found.code).toBe(0);
    const caddy = 'services:\n  web:\n    image: x\n    labels:\n      caddy: web.example.org\n';
    expect((await lint(caddy)).out).toContain('caddy is a label of caddy-docker-proxy');
    expect((await lint(`${traefik}        - com.docker.lb.hosts=a.test\n`)).out).not.toContain('Traefik');
  });

  it('checks claims against the owners in the settings, and the owners themselves', async () => {
    const settings = join(folder, 'hosts.toml');
    writeFileSync(settings, 'HostsMode = "listed"\n[Hosts]\n"app.example.org" = ["shop"]\n');

    const { code, out } = await signalbox(['lint', simple, '--settings', settings]);
    expect(code).toBe(1);
    expect(out).toContain('[Hosts] in the settings does not list stack demo for "app.example.org"');
    expect((await signalbox(['explain', simple, 'http://app.example.org/', '--settings', settings])).out).toContain(
      'The claim is ignored: [Hosts] in the settings does not list stack demo',
    );

    writeFileSync(settings, '[Hosts]\n"b.example.org" = ["shop"]\n"http://app" = ["shop"]\n');
    expect((await signalbox(['lint', '--settings', settings])).out).toMatch(/hosts\.toml:3:1.*Hosts\.http:\/\/app/);
  });

  it('checks labels from the settings, and shows problems at their keys', async () => {
    const settings = join(folder, 'policies.toml');
    const stack = join(folder, 'policies.yml');
    const app = 'services:\n  app:\n    image: x\n    deploy:\n      labels:\n        com.docker.lb.port: "80"\n';
    writeFileSync(stack, `${app}        com.docker.lb.policy: office\n        com.docker.lb.ssl_only: "false"\n`);
    const lint = async (text: string) => {
      writeFileSync(settings, text);
      const { out } = await signalbox(['lint', stack, '--stack', 'shop', '--settings', settings, '--format', 'json']);
      return JSON.parse(out).map((found: Record<string, string>) =>
        [found.file === settings ? 'settings' : 'stack', found.line, found.severity, found.label].join(' '),
      );
    };
    const host = '[Extensions.default]\nDefaultHost = "{service}.example.org"\n';

    expect(await lint(`${host}[Policies]\noffice.ssl_cert = "wildcard"\n`)).toEqual([]);
    const listed = 'Certificates = ["one", "two"]\nDefaultCertificate = "three"\n';
    expect(await lint(`${host}${listed}[Policies]\noffice.ssl_client_ca = "ca"\n`)).toEqual([]);
    expect(await lint(`${host}[Policies.offices]\n`)).toEqual(['stack 7 error com.docker.lb.policy']);
    expect(await lint(`${host}Enforced.ssl_only = true\n[Policies.office]\n`)).toEqual([
      'stack 8 warning com.docker.lb.ssl_only',
    ]);
    expect(await lint(`${host}[Policies.office]\nport = 80\n`)).toEqual(['settings 4 error Policies.office.port']);
    expect(await lint(`${host}[Policies.office]\nallow = "@lan"\n`)).toEqual([
      'settings 4 error Policies.office.allow',
      'settings 4 error Policies.office.allow',
    ]);
    expect(await lint('[Extensions.default]\nDefaultHost = "example.org"\n')).toEqual([
      'stack 5 error com.docker.lb.hosts',
      'stack 7 error com.docker.lb.policy',
      'settings 2 error Extensions.default.DefaultHost',
    ]);
    expect((await signalbox(['lint', stack, '--stack', 'shop'])).out).not.toContain('policy');
  });

  it('prints only a summary if nothing is wrong', async () => {
    expect(await signalbox(['lint', simple])).toEqual({
      code: 0,
      out: 'Stack demo: 1 route of 1 service, no problems\n',
      err: '',
    });
  });

  it('prints place, label, problem and remedy', async () => {
    const { code, out } = await signalbox(['lint', file, '--stack', 'shop']);

    expect(code).toBe(1);
    expect(out).toBe(`${file}:7:9: error: com.docker.lb.port "80%,a" is not a whole number (shop_app)
    Set it to a port, 1 to 65535, for example 8080.
${file}:8:9: warning: com.docker.lb.ip_hahs "1" is an unknown label (shop_app)
    Did you mean com.docker.lb.ip_hash?
Stack shop: 1 route of 1 service, 1 error, 1 warning
`);
  });

  it('prints JSON', async () => {
    const { code, out } = await signalbox(['lint', file, '--format', 'json', '--stack', 'shop']);

    expect(code).toBe(1);
    expect(JSON.parse(out)[0]).toEqual({
      file,
      line: 7,
      column: 9,
      id: 'label-invalid',
      severity: 'error',
      service: 'shop_app',
      label: 'com.docker.lb.port',
      value: '80%,a',
      reason: 'is not a whole number',
      remedy: 'Set it to a port, 1 to 65535, for example 8080.',
    });
    expect(await signalbox(['lint', file, '--json', '--stack', 'shop'])).toEqual({ code, out, err: '' });
    expect((await signalbox(['lint', simple, '--json'])).out).toBe('[]\n');
  });

  it('prints annotations for GitHub', async () => {
    const { out } = await signalbox(['lint', file, '--format', 'github', '--stack', 'shop']);

    expect(out.split('\n')[0]).toBe(
      `::error file=${file},line=7,col=9,title=shop_app com.docker.lb.port::"80%25,a" is not a whole number. Set it to a port, 1 to 65535, for example 8080.`,
    );
  });

  it('prints SARIF, as code scanning services read it', async () => {
    const { code, out } = await signalbox(['lint', file, '--format', 'sarif', '--stack', 'shop']);
    const { version, runs } = JSON.parse(out);
    const [{ tool, results }] = runs;

    expect(code).toBe(1);
    expect([version, runs.length, tool.driver.name]).toEqual(['2.1.0', 1, 'Signalbox']);
    expect(results).toHaveLength(2);
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex].id).toBe(ruleId);
    const [{ level, message, locations }] = results;
    expect([level, message.text]).toEqual([
      'error',
      'com.docker.lb.port "80%,a" is not a whole number (shop_app). Set it to a port, 1 to 65535, for example 8080.',
    ]);
    // A URI: the folder's name has a space.
    expect(locations[0].physicalLocation).toEqual({
      artifactLocation: { uri: encodeURI(file) },
      region: { startLine: 7, startColumn: 9 },
    });
  });

  it('fails for warnings in strict mode', async () => {
    const warned = ['lint', '-', '--stack', 'shop'];
    const stdin = broken.replace('80%,a', '80');

    expect((await signalbox(warned, { stdin })).code).toBe(0);
    expect((await signalbox([...warned, '--strict'], { stdin })).code).toBe(1);
  });

  it('names a stack after its folder', async () => {
    expect((await signalbox(['lint', file])).out).toMatch(/^Stack shop\w+: /m);
  });

  it('reads variables from the environment, and from a file', async () => {
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
    expect(out).toContain('com.docker.lb.service_cluster "west": service cluster west does not exist');
    expect(out).not.toContain('cluster east');
  });

  it('uses colors on a terminal only', async () => {
    expect((await signalbox(['lint', file], { color: true })).out).toContain('\u001b[31merror:');
    expect((await signalbox(['lint', file])).out).not.toContain('\u001b');
  });
});

describe('signalbox render', () => {
  it('prints the configuration, and problems beside it', async () => {
    const good = await signalbox(['render', simple]);
    const bad = await signalbox(['render', file]);

    expect(good).toMatchObject({ code: 0, err: '' });
    expect(good.out).toContain('server_name "app.example.org";');
    expect(good.out).toContain('server "tasks.demo_demo.demo_demo-network:8080" max_fails=0 resolve;');
    expect(bad.code).toBe(1);
    expect(bad.out).toContain('server_name "app.example.org";');
    expect(bad.err).toContain(':7:9: error: com.docker.lb.port');
  });

  it('prints each service cluster, or one', async () => {
    const names = async (...options: string[]) =>
      (await signalbox(['render', clusters, ...options])).out.match(/(?<=server_name ")demo[^"]+/g);

    expect(await names()).toEqual(['demo.a', 'demo.b']);
    expect(await names('--cluster', 'west')).toEqual(['demo.b']);
    expect(await signalbox(['render', clusters, '--cluster', 'north'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Unknown service cluster north. Choose one of: default, east, west'),
    });
  });

  it('prints JSON', async () => {
    const [rendered] = JSON.parse((await signalbox(['render', simple, '--json'])).out);

    expect(rendered).toMatchObject({
      cluster: 'default',
      version: expect.stringMatching(/^[0-9a-f]{16}$/),
      files: [{ path: 'nginx.conf', text: expect.stringContaining('app.example.org') }],
    });
  });
});

describe('signalbox explain', () => {
  it('shows which service answers, and why', async () => {
    expect(await signalbox(['explain', simple, 'http://app.example.org/ping'])).toEqual({
      code: 0,
      out: `http://app.example.org/ping (service cluster default)
  demo_demo by the route app.example.org/, request URI /ping
  - The host app.example.org matches the exact name app.example.org.
  - The path /ping matches no other context root.
`,
      err: '',
    });
  });

  it('shows what labels do to the request', async () => {
    const file = join(folder, 'effects.yml');
    const labels =
      '{ com.docker.lb.hosts: a.example.org, com.docker.lb.port: "80", com.docker.lb.retries: "off", com.docker.lb.max_body_size: 1m }';
    writeFileSync(file, `services: { app: { image: a, deploy: { labels: ${labels} } } }`);

    const { out } = await signalbox(['explain', file, 'http://a.example.org/']);
    expect(out).toContain(`
What its labels do
  - max_body_size: Requests with a body larger than 1m receive 413.
  - retries: A request that may have reached a task is never sent to another.
`);
    const json = await signalbox(['explain', file, 'http://a.example.org/', '--json']);
    expect(JSON.parse(json.out)[0].effects).toEqual([
      { label: 'max_body_size', text: 'Requests with a body larger than 1m receive 413.' },
      { label: 'retries', text: 'A request that may have reached a task is never sent to another.' },
    ]);
  });

  it('shows labels that the settings set', async () => {
    const settings = join(folder, 'enforced.toml');
    writeFileSync(settings, '[Extensions.default.Enforced]\nssl_only = true\n');

    const { out } = await signalbox(['explain', simple, 'http://app.example.org/ping', '--settings', settings]);
    expect(out).toContain('Labels from the settings\n  - ssl_only = true (from Extensions.default.Enforced)\n');

    writeFileSync(settings, '[Policies]\n[Extensions.default.Defaults]\nssl_passthrough = true\n');
    const handedOn = await signalbox(['explain', simple, 'https://app.example.org/', '--settings', settings]);
    expect(handedOn.out).toContain('  - ssl_passthrough = true (from Extensions.default.Defaults)\n');

    writeFileSync(settings, '[Extensions.default.Defaults]\nresponse_header.X-Frame-Options = "DENY"\n');
    const json = await signalbox(['explain', simple, 'app.example.org', '--settings', settings, '--json']);
    expect(JSON.parse(json.out)[0].fromSettings).toEqual([
      {
        service: 'demo_demo',
        label: 'response_header.X-Frame-Options',
        value: 'DENY',
        from: 'Extensions.default.Defaults',
      },
    ]);
  });

  it('shows which service receives a connection', async () => {
    const settings = join(folder, 'ports.toml');
    const file = join(folder, 'db.yml');
    writeFileSync(settings, '[Extensions.default]\nTcpPorts = [5432]\n');
    const labels = '{ com.docker.lb.tcp_port: "5432", com.docker.lb.port: "5432" }';
    writeFileSync(file, `services: { db: { image: a, deploy: { labels: ${labels} } } }`);
    const ask = (...more: string[]) => signalbox(['explain', file, ...more, '--stack', 'demo', '--settings', settings]);

    expect(await ask('tcp://db:5432')).toEqual({
      code: 0,
      out: `tcp://db:5432 (service cluster default)
  demo_db by the route tcp/5432
  - A connection to tcp/5432 is forwarded as it is.
  - demo_db answers for all names.
`,
      err: '',
    });
    expect(await ask('udp://db:5432')).toMatchObject({
      code: 1,
      out: expect.stringContaining('The connection is refused or closed\n  - No service uses udp/5432.'),
    });
    const { out } = await signalbox(['lint', file, '--stack', 'demo', '--settings', settings]);
    expect(out).toContain('Stack demo: 1 route of 1 service, no problems');
  });

  it('shows why no service answers, in every service cluster', async () => {
    const { code, out } = await signalbox(['explain', clusters, 'demo.C']);

    expect(code).toBe(1);
    expect(out.match(/503: no route matches this host/g)).toHaveLength(2);
  });

  it('prints JSON', async () => {
    const { out } = await signalbox(['explain', clusters, 'demo.A', '--json']);

    expect(JSON.parse(out)).toMatchObject([
      { cluster: 'east', answer: { kind: 'service', route: { services: ['examples_east'] } } },
      { cluster: 'west', answer: { kind: 'no-host' } },
    ]);
  });

  it('explains a request with a method, headers and cookies', async () => {
    const file = join(folder, 'match.yml');
    const service = (match: string) =>
      `{ image: a, deploy: { labels: { com.docker.lb.hosts: a.example.org, com.docker.lb.port: "80", com.docker.lb.match: "${match}" } } }`;
    const services = {
      posts: 'method:POST',
      beta: 'header:X-Beta=a:b, header:X-User',
      group: 'cookie:group=b, cookie:a',
    };
    const lines = Object.entries(services).map(([name, match]) => `  ${name}: ${service(match)}`);
    writeFileSync(file, `services:\n${lines.join('\n')}\n`);
    const ask = (...more: string[]) => signalbox(['explain', file, 'http://a.example.org/', ...more]);

    expect(await ask()).toMatchObject({ code: 1, out: expect.stringContaining('404') });
    expect((await ask('--method', 'POST')).out).toContain('posts by the route');
    expect((await ask('--header', 'X-Beta: a:b', '--header', 'X-User: me')).out).toContain('beta by the route');
    expect((await ask('--cookie=group=b', '--cookie', 'a=1')).out).toContain('group by the route');
  });

  it.each([
    [['http://a.example.org/', '--method', '1'], '1 is not a method such as POST.'],
    [['http://a.example.org/', '--header', 'X-Beta'], 'X-Beta is not a header such as X-Beta: yes.'],
    [['http://a.example.org/', '--cookie', 'group'], 'group is not a cookie such as group=b.'],
    [['tcp://a:1', '--method', 'POST'], 'A TCP or UDP connection has no method'],
    [['http://a.example.org/', '--header', '--json'], 'Missing value: --header <header>.'],
  ])('rejects %j: %s', async (more, fault) => {
    expect(await signalbox(['explain', simple, ...more])).toMatchObject({
      code: 2,
      err: expect.stringContaining(fault),
    });
  });

  it.each([[[simple]], [['http://app.example.org/']], [[]]])(
    'requires a file and a URL, not %j',
    async (positionals) => {
      expect(await signalbox(['explain', ...positionals])).toMatchObject({
        code: 2,
        err: 'signalbox: Missing arguments: URL and compose file.\nSee: signalbox help explain\n',
      });
    },
  );

  it('requires a URL', async () => {
    expect(await signalbox(['explain', simple, 'ftp://x'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('not a URL'),
    });
  });
});

describe('signalbox lint with settings', () => {
  const bad = `# Settings.
PollIntervall = "3s"

[Extensions.default]
proxyReplicas = "two"
Networks = ["missing"]

[Extensions.default.Config]
HTTPOptions = """
KeepAlive = 1
"""
`;
  const write = (text: string) => {
    const file = join(folder, 'config.toml');
    writeFileSync(file, text);
    return file;
  };

  it('reports file, line and key, without compose files', async () => {
    const file = write(bad);

    expect(await signalbox(['lint', '--settings', file])).toMatchObject({
      code: 1,
      err: '',
      out: expect.stringMatching(
        new RegExp(
          `^${file}:2:1: error: pollintervall [^]*^${file}:5:1: error: Extensions.default.ProxyReplicas [^]*^${file}:9:1: error: Extensions.default.Config.HTTPOptions [^]*^Settings: 1 service cluster, 3 errors$`,
          'm',
        ),
      ),
    });
  });

  it('reports them beside compose files too', async () => {
    const file = write(bad);
    const { out } = await signalbox(['lint', simple, '--settings', file, '--json']);
    const findings: { file: string; line: number; label: string }[] = JSON.parse(out);

    expect(findings.filter((finding) => finding.file === file).map(({ line, label }) => [line, label])).toEqual([
      [2, 'pollintervall'],
      [5, 'Extensions.default.ProxyReplicas'],
      [6, 'Extensions.default.Networks'],
      [9, 'Extensions.default.Config.HTTPOptions'],
    ]);
  });

  it('reports where the file is invalid TOML', async () => {
    const file = write('[Extensions.default]\nProxyReplicas = = 2\n');

    expect((await signalbox(['lint', '--settings', file])).out).toContain(
      `${file}:2:17: error: ${file} cannot be read: `,
    );
    expect(await signalbox(['lint', simple, '--settings', file])).toMatchObject({
      code: 2,
      err: expect.stringContaining(`${file}:2:17: is invalid TOML`),
    });
  });

  it('prints nothing for valid ones', async () => {
    const file = write('[Extensions.default]\nProxyReplicas = 2\n');

    expect(await signalbox(['lint', '--settings', file])).toEqual({
      code: 0,
      err: '',
      out: 'Settings: 1 service cluster, no problems\n',
    });
  });
});

describe('the command line', () => {
  it.each([
    [['frobnicate'], 'Unknown command frobnicate.'],
    [['help', 'frobnicate'], 'Unknown command frobnicate.'],
    [['lint'], 'Missing argument: compose file.'],
    [['lint', '/nowhere/stack.yml'], 'Cannot read /nowhere/stack.yml: no such file or directory.'],
    [['lint', '/'], 'Cannot read /: is a directory.'],
    [['lint', '--settings', '/nowhere/config.toml'], 'Cannot read /nowhere/config.toml: no such file or directory.'],
    [['status', '--token-file', '/nowhere/token'], 'Cannot read /nowhere/token: no such file or directory.'],
    [['lint', simple, '--format', 'xml'], 'Invalid format. Choose one of: text, json, github, sarif.'],
    [['stauts'], 'Unknown command stauts. Did you mean status?\nSee: signalbox help\n'],
    [['frobnicate', '--help'], 'Unknown command frobnicate.'],
    [['lint', simple, '--no-such-option'], 'Unknown option --no-such-option.'],
    [['lint', simple, '--strct'], 'Unknown option --strct. Did you mean --strict?\nSee: signalbox help lint\n'],
    [['lint', simple, '--strict=yes'], 'Unknown option --strict=yes.'],
    [['lint', simple, '--stack'], 'Option --stack <name> argument missing.'],
    [['lint', simple, '--stack', '--strict'], 'Missing value: --stack <name>.'],
    [['disable', 'east'], 'Too many arguments for disable.'],
    [['--frobnicate'], 'Unknown option --frobnicate.'],
    [['lint', simple, '--stack', 'a b'], 'Invalid stack name'],
    [['lint', simple, '--settings', simple], 'is invalid TOML'],
  ])('rejects %j', async (argv, message) => {
    expect(await signalbox(argv)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) });
  });

  it.each([[[]], [['help']], [['--help']], [['-h']]])('prints help for %j', async (argv) => {
    const { code, out } = await signalbox(argv);

    expect(code).toBe(0);
    expect(out).toContain('signalbox <command>');
    expect(out).toContain('Exit codes');
  });

  it.each([[['help', 'lint']], [['lint', '--help']], [['lint', simple, '-h']]])('prints help for %j', async (argv) => {
    const { code, out } = await signalbox(argv);

    expect(code).toBe(0);
    expect(out).toContain('signalbox lint <compose.yml…>');
    expect(out).toContain('--format <text|json|github|sarif>');
  });

  it.each(commands.map(({ name }) => [name]))('shows in the help of %s how to use it', async (name) => {
    const { code, out } = await signalbox(['help', name]);

    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^Examples:\\n {2}.*signalbox ${name}`, 'm'));
  });

  it.each(
    commands.flatMap(({ examples }) => examples.map((example) => [/signalbox [^<>)]*/.exec(example)?.[0] ?? example])),
  )('understands %s', async (example) => {
    const [, ...argv] = example.trim().split(' ');
    const ran: string[] = [];
    const parser = createParser({
      commands,
      release: '',
      io: { out: expect.fail, err: expect.fail, color: false, env: {}, readStdin: expect.fail },
      run: async ({ name }) => void ran.push(name),
    });

    await parser.parseAsync(argv, { from: 'user' });
    expect(ran).toEqual([argv[0]]);
  });

  it.each([[['--version']], [['version']]])('prints its version for %j', async (argv) => {
    expect(await signalbox(argv)).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  });

  it('takes what follows -- as arguments', async () => {
    expect((await signalbox(['lint', '--', '--strict'])).err).toContain('Cannot read --strict');
  });

  it('runs on any available Node', async () => {
    const bin = new URL('../../../bin/signalbox.js', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(bin, ['explain', simple, 'http://app.example.org/', '--json']);

    expect(JSON.parse(stdout)).toMatchObject([{ answer: { kind: 'service' } }]);
  });
});

describe('an upper-case network', () => {
  const stack = JSON.stringify({
    services: {
      web: {
        image: 'x',
        deploy: { labels: { 'com.docker.lb.hosts': 'web.example.org', 'com.docker.lb.port': '8080' } },
      },
    },
  });
  let compose: string;
  let stock: string;

  beforeAll(() => {
    compose = join(folder, 'upper.yml');
    stock = join(folder, 'stock.toml');
    writeFileSync(compose, stack);
    writeFileSync(stock, '[Extensions.default]\nProxyImage = "nginx:1.30"\n');
  });

  it('is no problem for our proxies', async () => {
    expect(await signalbox(['lint', compose, '--stack', 'MyApp'])).toMatchObject({ code: 0 });
    const { code, out } = await signalbox(['explain', compose, 'http://web.example.org/', '--stack', 'MyApp']);
    expect(code).toBe(0);
    expect(out).toContain('MyApp_web by the route web.example.org/');
  });

  it('closes the route if the proxies use stock nginx', async () => {
    const options = ['--stack', 'MyApp', '--settings', stock];
    const lint = await signalbox(['lint', compose, ...options]);
    expect(lint.code).toBe(1);
    expect(lint.out).toMatch(/MyApp_default.*MyApp_web.*lower case.*case-sensitive/);
    expect(lint.out).toContain('remove Extensions.default.ProxyImage');
    const explain = await signalbox(['explain', compose, 'http://web.example.org/', ...options]);
    expect(explain.code).toBe(1);
    expect(explain.out).toContain('503: web.example.org/ → MyApp_web is unavailable');
    expect(explain.out).toContain('one of the reported problems closes it');
  });
});
