// A compromised extension returns arbitrary text for nginx. Neither the controller nor a proxy passes it to nginx.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { fileDigest } from '../../src/model/version-digest.ts';
import { filesFault } from '../../src/nginx-text/check-text.ts';
import { decodePermissions, encodePermissions, permissionsOf } from '../../src/nginx-text/permissions.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';
import { goldenPath } from '../support/golden.ts';

const innocent = readFileSync(goldenPath('tls-terminated', 'nginx.conf'), 'utf8');
const beforeHttp = (text: string) => innocent.replace('\nhttp {', `\n${text}\nhttp {`);
const inHttp = (text: string) => innocent.replace('\nhttp {', `\nhttp {\n${text}`);
const inServer = (text: string) => inHttp(`server { listen 80; server_name evil.example.org; ${text} }`);
const inLocation = (text: string) => inServer(`location / { ${text} }`);
const inMap = (text: string, variable = '$evil') => inHttp(`map $uri ${variable} { ${text} }`);
const upstream = '0123456789abcdef-tasks.evil.app-80';
const inUpstream = (text: string) => inHttp(`upstream ${upstream} { ${text} }`);
const faultOf = (text: string) => filesFault([{ path: 'nginx.conf', text }], []);

const attacks: Readonly<Record<string, string>> = {
  'serves the secrets': inLocation('alias /run/secrets/;'),
  'serves all files': inServer('root /;'),
  'lists a folder': inLocation('autoindex on;'),
  'tries files': inLocation('try_files /run/secrets/signalbox-proxy =404;'),
  'serves a file for an error': inServer('error_page 404 /../../../run/secrets/signalbox-proxy;'),
  'serves a file named by a variable for an error': inServer('error_page 404 $arg_file;'),
  'sets a file name with a variable of ours': inHttp('map $uri $root_detour { default /../../run/secrets/site; }'),
  'sets a file name with a variable of ours in parts': inHttp('map $uri $detour { default "$a$b"; }'),
  'sets a file name with the choice of a location': inHttp('map $uri $match_0123456789abcdef { default /../x; }'),
  'sets a file name with a share': inHttp('split_clients $request_id $match_0123456789abcdef_share { * /../x; }'),
  'splits requests into another variable': inHttp('split_clients $request_id $root_detour { * /../x; }'),
  'splits requests by a text of the client': inHttp('split_clients $arg_a $match_a { * @match_a; }'),
  'chooses a location by another variable': inLocation('error_page 418 = $arg_a;'),
  'passes requests to a host from a fallback': inHttp('map $uri $fallback_a { default unix:/x.sock; }'),
  'serves a file that exists': inLocation(
    'try_files /../../../run/secrets/signalbox-proxy @pages_0123456789abcdef$detour;',
  ),
  'serves a file in place of one that does not exist': inLocation(
    'try_files /.signalbox /run/secrets/signalbox-proxy;',
  ),
  'chooses a file by a variable': inLocation('try_files /.signalbox @pages_0123456789abcdef$arg_a;'),
  'shows errors of a service by another location': inLocation('error_page 404 /.signalbox-page-evil;'),
  'asks for pages by a variable': inLocation('proxy_pass http://0123456789abcdef-a/$arg_a;'),
  'copies requests to a location of its own': inLocation('mirror /evil;'),
  'passes copies to a host from a map': inHttp('map $uri $mirrored_uri { default @evil.example.org/; }'),
  'passes copies to another socket': inLocation(
    'proxy_pass http://unix:/var/run/docker.sock:/0123456789abcdef$request_uri;',
  ),
  'sets a file name with an expression': inMap('"~(?<root_detour>.*)" 1;'),
  'sets a file name with an expression in another syntax': inMap('"~(?P<root_detour>.*)" 1;'),
  'sets a file name with a server name': inServer('server_name "~^(?<detour>.*)$";'),
  'sets a file name with a condition': inLocation('if ($uri ~ "(?<root_detour>.*)") { return 418; }'),
  'sets a file name with a location': inServer('location "~(?<root_detour>.*)" { return 418; }'),
  'sends a request to a file': inServer('rewrite ^ /../../run/secrets/site break;'),
  'includes a secret': beforeHttp('include /run/secrets/site;'),
  'includes another file': beforeHttp('include other.conf;'),
  'includes from a parent folder': inHttp('include ../mounted/nginx.conf;'),
  'includes a secret as a map': inMap('include /run/secrets/site;'),
  'includes a secret as a map in quotes': inMap('"include" "/run/secrets/site";'),
  'includes a secret behind harmless entries': inMap(`hostnames; a b; "c" "d"; include /run/secrets/site; e f;`),
  'includes a secret as a list of addresses': inHttp('geo $evil { include /run/secrets/site; }'),
  'includes material by a path to another folder': inServer('include /tmp/material/../../run/secrets/client.conf*;'),
  'loads a module': beforeHttp('load_module /tmp/evil.so;'),
  'runs JavaScript': inHttp('js_import /tmp/evil.js;'),
  'runs Perl': inHttp(`perl_set $evil 'sub { return \`id\`; }';`),
  'passes on the environment': beforeHttp('env SIGNALBOX_TASK;'),
  'runs as another user': beforeHttp('user root;'),
  'changes the working directory': beforeHttp('working_directory /run/secrets;'),
  'writes the process id to another file': innocent.replace('pid /tmp/nginx.pid;', 'pid /tmp/signalbox/serving;'),
  'logs to a file': inServer('access_log /tmp/signalbox/serving;'),
  'logs to another machine': inServer('access_log syslog:server=evil.app;'),
  'logs errors to another file': inServer('error_log /tmp/signalbox/metrics.conf warn;'),
  'writes answers to files': inLocation('proxy_store /tmp/signalbox/evil.conf;'),
  'writes bodies to another folder': inServer('client_body_temp_path /tmp/signalbox;'),
  'caches answers': inHttp('proxy_cache_path /tmp/signalbox keys_zone=evil:1m;'),
  'presents the identity of the agent': inServer('ssl_certificate $secrets/signalbox-proxy;'),
  'presents the identity of the agent by its path': inServer('ssl_certificate_key /run/secrets/signalbox-proxy;'),
  'presents a certificate from another folder': inServer('ssl_certificate /tmp/evil.pem;'),
  'presents a certificate of its own': inServer('ssl_certificate "data:-----BEGIN CERTIFICATE-----";'),
  'presents a certificate that the client names': inServer('ssl_certificate $secrets/$ssl_server_name;'),
  'changes the certificate folder': inMap('default /etc;', '$secrets'),
  'changes the certificate folder for a location': inLocation('set $secrets /etc;'),
  'changes the certificate folder with an expression': inMap('"~(?\'secrets\'.*)" 1;'),
  'reads a CA': inServer('ssl_client_certificate /run/secrets/signalbox-proxy;'),
  'reads a CA for services': inServer('proxy_ssl_trusted_certificate /run/secrets/site;'),
  'shows a certificate to services': inServer('proxy_ssl_certificate_key /run/secrets/signalbox-proxy;'),
  'reads passwords of the system': inServer('auth_basic_user_file /etc/shadow;'),
  'reads passwords of a variable': inServer('auth_basic_user_file $secrets/$arg_file;'),
  'reads a secret of ours as passwords': inServer('auth_basic_user_file /run/secrets/signalbox-proxy;'),
  'disables passwords': inServer('auth_basic OFF;'),
  'reads session keys': inServer('ssl_session_ticket_key /run/secrets/site;'),
  'uses an engine': beforeHttp('ssl_engine evil;'),
  'configures OpenSSL': inServer('ssl_conf_command Options evil;'),
  'checks whether a file exists': inLocation('if (-f /run/secrets/site) { return 200; }'),
  'passes requests to a socket': inLocation('proxy_pass http://unix:/var/run/docker.sock:/;'),
  'passes requests to a host that the client chooses': inLocation('proxy_pass http://$arg_host;'),
  'passes requests to a host from a variable of ours': inLocation(`set $again $arg_host; proxy_pass http://$again;`),
  'passes requests to a host from a map': inMap('default unix:/var/run/docker.sock;', '$again'),
  'passes requests to the status server': inLocation('proxy_pass http://127.0.0.1:10246;'),
  'passes requests to another protocol': inLocation('fastcgi_pass unix:/tmp/evil;'),
  'reaches the control network': inUpstream('server tasks.signalbox-extension-east.signalbox:7443 resolve;'),
  'reaches the control network in upper case': inUpstream('server x.SIGNALBOX:7443 resolve;'),
  'reaches the control network through the relay': inUpstream('server x.signalbox.0.case.signalbox:7443 resolve;'),
  'reaches the extension by its bare name': inUpstream('server signalbox-extension:7443;'),
  'reaches the proxy itself': inUpstream('server 127.0.0.1:9146;'),
  'reaches the proxy itself by another address': inUpstream('server [::ffff:127.0.0.1]:9146;'),
  'reaches a socket': inUpstream('server unix:/tmp/tls.sock;'),
  'queries another DNS server': inUpstream('resolver 127.0.0.11 10.0.0.5 valid=1s ipv6=off;'),
  'listens at another address': inServer('listen 10.0.0.5:7443;'),
  'listens at a socket': inServer('listen unix:/tmp/signalbox/evil.sock;'),
  'hides a directive behind quotes': inLocation(`"alias" '/run/secrets/';`),
  'hides a directive behind a comment': inLocation('# "\n alias /run/secrets/;'),
  'hides a directive behind an escaped escape': inHttp('geo $e { default "\\\\"; } server { root /; #"; }\n }'),
  'hides a directive between lines': inLocation('alias\r\n/run/secrets/\t;'),
  'hides the end of a path': inServer('ssl_certificate "/run/secrets/site\0.pem";'),
  'closes a block of ours': innocent.replace(/\}\s*$/, '} }'),
  'leaves a block open': innocent.replace(/\}\s*$/, ''),
  'leaves a quote open': `${innocent}\n"`,
};

describe('a compromised extension', () => {
  it('may return what our templates write', () => {
    expect(faultOf(innocent)).toBeUndefined();
    expect(faultOf(inHttp('map $host $evil { default 1; }'))).toBeUndefined();
    expect(faultOf(inUpstream('server tasks.web.MyApp.1400.case.signalbox:80 resolve;'))).toBeUndefined();
  });

  it.each(Object.entries(attacks))('%s: rejected', (_, text) => {
    expect(text).not.toBe(innocent);
    expect(faultOf(text)).toMatch(/^nginx\.conf (?:contains|closes|leaves|ends|has|is) /);
  });

  it('may split the text into files, and every part is checked', () => {
    const main = inHttp('include servers-00.conf;');
    const files = (text: string) => [
      { path: 'nginx.conf', text: main },
      { path: 'servers-00.conf', text },
    ];
    expect(filesFault(files('server { listen 80; }'), [])).toBeUndefined();
    expect(filesFault(files('server { listen 80; root /; }'), [])).toBe('servers-00.conf contains "root /"');
  });
});

describe("the administrator's own configuration", () => {
  const permissions = (config: object, template?: string) => {
    const { settings } = parseSettings({ Extensions: { default: { Config: config } } }, '1');
    return decodePermissions(encodePermissions(permissionsOf({ nginx: settings.clusters[0]!.nginx, template })));
  };
  const isAllowed = (text: string, ...allowed: Parameters<typeof permissions>) =>
    filesFault([{ path: 'nginx.conf', text }], permissions(...allowed)) === undefined;

  it('is allowed word by word', () => {
    const config = {
      HTTPOptions: ['include /etc/nginx/mime.types;', 'types { text/html html; }'],
      GlobalOptions: ['env TZ;'],
    };
    expect(isAllowed(inHttp('include /etc/nginx/mime.types; types { text/html html; }'), config)).toBe(true);
    expect(isAllowed(inHttp('include /etc/nginx/other.types;'), config)).toBe(false);
    expect(isAllowed(beforeHttp('env TZ;'), config)).toBe(true);
    expect(isAllowed(beforeHttp('env PATH;'), config)).toBe(false);
  });

  it('is empty if it equals what our templates write', () => {
    expect(permissions({ HTTPOptions: ['server_tokens on;'], AccessLogPath: '/dev/stderr' })).toEqual([]);
  });

  it('includes the paths of logs', () => {
    const config = { AccessLogPath: '/var/log/nginx/access.log', ErrorLogPath: '/var/log/nginx/error.log' };
    expect(isAllowed(inServer('access_log /var/log/nginx/access.log main buffer=4k flush=1s;'), config)).toBe(true);
    expect(isAllowed(inServer('error_log /var/log/nginx/error.log warn;'), config)).toBe(true);
    expect(isAllowed(inServer('access_log /var/log/nginx/other.log main;'), config)).toBe(false);
  });

  it('may be a template, whose placeholders cannot lead to another folder', () => {
    const template =
      '{{! ours }}{{> nginx.conf}}{{#each servers}} location /static/ { alias /srv/{{host.name}}/static/; } {{/each}}';
    expect(isAllowed(inServer('location /static/ { alias /srv/app.example.org/static/; }'), {}, template)).toBe(true);
    for (const path of ['/run/secrets/', '/srv/../static/', '/srv/../../run/secrets/static/', '/srv/$arg_a/static/'])
      expect([path, isAllowed(inServer(`location /static/ { alias ${path}; }`), {}, template)]).toEqual([path, false]);
  });

  it('reaches proxies encoded so that neither Swarm nor a shell alters it', () => {
    const encoded = encodePermissions(
      permissionsOf({ nginx: parse({ HTTPOptions: ['a "{{.Task.ID}}";', 'b "$HOME\\n";'] }) }),
    );
    expect(encoded).not.toMatch(/\{\{|\n|\0/);
    expect(decodePermissions(encoded)).toEqual(['a\n{{.Task.ID}}', 'b\n$HOME\n']);
  });
});

const parse = (config: object) =>
  parseSettings({ Extensions: { default: { Config: config } } }, '1').settings.clusters[0]!.nginx;

describe('a swarm with a compromised extension', () => {
  async function aWorld(settings = {}) {
    const world = new ControllerWorld({ agents: true, settings });
    world.swarm.deploy(aService('app'));
    await world.settle();
    return world;
  }

  it('keeps its configuration, and the administrator gets a problem', async () => {
    const world = await aWorld();
    const before = world.served();
    const { extension } = world;
    const render = extension.render.bind(extension);
    extension.render = async (...asked) => {
      const { files, ...rest } = await render(...asked);
      const [main, ...parts] = files;
      const text = 'server { listen 80; server_name evil; location / { alias /run/secrets/; } }';
      const evil = { path: 'evil.conf', text, digest: fileDigest('default', 'evil.conf', text) };
      return {
        ...rest,
        version: '0123456789abcdef',
        files: [{ ...main!, text: main!.text.replace('\nhttp {', '\nhttp { include evil.conf;') }, ...parts, evil],
      };
    };
    world.swarm.deploy(aService('shop'));

    expect(await world.writesOf(() => world.settle())).toEqual([]);

    expect(world.served()).toBe(before);
    expect(world.problems).toMatchObject([
      {
        severity: 'error',
        cluster: 'default',
        reason: 'The extension returned a configuration that is not allowed: evil.conf contains "alias /run/secrets/"',
      },
    ]);

    extension.render = render;
    await world.settle();
    expect(world.problems).toEqual([]);
    expect(serverOf(world.served(), 'shop.example.org')).toBeDefined();
  });

  it('has proxies that receive additional permissions from the controller only', async () => {
    const plain = await aWorld();
    const world = await aWorld({ Extensions: { default: { Config: { HTTPOptions: ['gunzip on;'] } } } });
    const env = (of: ControllerWorld) =>
      of.swarm.service('signalbox-proxy').spec.TaskTemplate.ContainerSpec.Env as string[];

    expect(env(plain).filter((line) => line.startsWith('SIGNALBOX_ALLOWED_TEXT'))).toEqual([]);
    expect(env(world)).toContain('SIGNALBOX_ALLOWED_TEXT=["gunzip\\non"]');
    expect(world.served()).toContain('gunzip on;');
    expect(world.problems).toEqual([]);
  });
});
