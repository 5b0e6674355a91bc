import { describe, expect, it } from 'vitest';
import { lint, load } from '../../support/compose.ts';

const app = 'services:\n  app:\n    image: x\n';
const inApp = (more: string) => `${app}    ${more}\n`;
const variables = (name: string) => ({ COUNT: '2', WORD: 'two', FLAG: 'yes' })[name];

/** Schema errors of the file, as `line:column reason`. */
function rejections(text: string): string[] {
  return load({ 'stack.yml': text }, { variables })
    .findings.filter(({ severity }) => severity === 'error')
    .map(({ place, reason }) => `${place.line}:${place.column} ${reason}`);
}

describe('what docker stack deploy rejects', () => {
  it.each([
    [`include: [other.yml]\n${app}`, '1:1 include is not allowed'],
    [`name: shop\n${app}`, '1:1 name is not allowed'],
    [`foo: 1\n${app}`, '1:1 foo is not allowed'],
    [inApp('profiles: [debug]'), '4:5 services.app.profiles is not allowed'],
    [inApp('extends: other'), '4:5 services.app.extends is not allowed'],
    [inApp('extends: {file: other.yml, service: other}'), '4:5 services.app.extends is not allowed'],
    [inApp('mem_limit: 1g'), '4:5 services.app.mem_limit is not allowed'],
    [inApp('foo: 1'), '4:5 services.app.foo is not allowed'],
    [inApp('depends_on: {db: {condition: service_healthy}}'), '4:17 services.app.depends_on must be a list'],
    [inApp('deploy: {foo: 1}'), '4:14 services.app.deploy.foo is not allowed'],
    [inApp('deploy: {x-foo: 1}'), '4:14 services.app.deploy.x-foo is not allowed'],
    [inApp('deploy: []'), '4:13 services.app.deploy must be a mapping or empty'],
    [inApp('deploy: {labels: a=1}'), '4:22 services.app.deploy.labels must be a mapping or a list'],
    [inApp('deploy: {labels: }'), 'services.app.deploy.labels must be a mapping or a list'],
    [inApp('deploy: {labels: [a=1, a=1]}'), '4:22 services.app.deploy.labels has a duplicate item'],
    [inApp('deploy: {replicas: "2"}'), '4:24 services.app.deploy.replicas must be an integer'],
    [inApp('deploy: {replicas: 1.5}'), '4:24 services.app.deploy.replicas must be an integer'],
    [inApp("deploy: {replicas: '${WORD}'}"), '4:24 services.app.deploy.replicas must be an integer'],
    [inApp('deploy: {mode: 1}'), '4:20 services.app.deploy.mode must be a string'],
    [inApp('networks: n'), '4:15 services.app.networks must be a list or a mapping'],
    [inApp('networks: {n: {priority: 1}}\nnetworks: {n: }'), '4:20 services.app.networks.n.priority is not allowed'],
    [inApp('networks: [n, n]\nnetworks: {n: }'), '4:15 services.app.networks has a duplicate item'],
    [inApp('ports: "80:80"'), '4:12 services.app.ports must be a list'],
    [inApp('ports: [true]'), '4:13 services.app.ports.0 must be a number or a string or a mapping'],
    [inApp('ports: [80, 80]'), '4:12 services.app.ports has a duplicate item'],
    [inApp('ports: [{target: "80"}]'), '4:22 services.app.ports.0.target must be an integer'],
    [inApp('ports: [{target: 80, app_protocol: http}]'), '4:26 services.app.ports.0.app_protocol is not allowed'],
    [`${app}networks: [n]`, '4:11 networks must be a mapping'],
    [`${app}networks: {n: {foo: 1}}`, '4:16 networks.n.foo is not allowed'],
    [`${app}networks: {n: {external: yes}}`, '4:26 networks.n.external must be a boolean or a mapping'],
    [`${app}secrets: {n: {environment: A}}`, '4:15 secrets.n.environment is not allowed'],
    ['services:', 'services must be a mapping'],
    ['services: [a]', '1:11 services must be a mapping'],
    ['services: {a: }', 'services.a must be a mapping'],
    ["services: {'a b': {image: x}}", '1:12 services.a b is not allowed'],
    ['', '1:1 The file must be a mapping'],
    ['- a', '1:1 The file must be a mapping'],
    ['hello', '1:1 The file must be a mapping'],
    [`version: 3.8\n${app}`, '1:10 version must be a string'],
    [`version: '2.4'\n${app}`, '1:10 version must be from 3.0 to 3.13'],
    [`version: '3.14'\n${app}`, '1:10 version must be from 3.0 to 3.13'],
    [`version: ''\nfoo: 1\n${app}`, '2:1 foo is not allowed'],
    [`version: '3.3'\nx-foo: 1\n${app}`, '2:1 x-foo is not allowed before version 3.4'],
    [`version: '3.6'\n${inApp('x-foo: 1')}`, '5:5 services.app.x-foo is not allowed before version 3.7'],
    [`version: '3.4'\n${app}networks: {n: {name: foo}}`, '5:16 networks.n.name is not allowed before version 3.5'],
    [`version: '3'\n${inApp('deploy: {endpoint_mode: vip}')}`, '5:14 services.app.deploy.endpoint_mode is not allowed'],
  ])('%j', (text, expected) => {
    expect(rejections(text)).toContainEqual(expect.stringContaining(expected));
  });

  it('is a version that differs between files', () => {
    expect(lint({ 'a.yml': `version: '3.8'\n${app}`, 'b.yml': `version: '3.9'\n${app}` })).toEqual([
      'b.yml:1:10 error has a different version than the first file: docker stack deploy rejects the file',
    ]);
    expect(lint({ 'a.yml': `version: '3.13'\n${app}`, 'b.yml': app })).toEqual([]);
  });
});

describe('what docker stack deploy accepts', () => {
  it.each([
    `x-foo: 1\n${app}`,
    `version: '3'\n${app}`,
    `version: '3.13'\n${app}`,
    `version: ''\n${app}`,
    inApp('build: .'),
    inApp('container_name: foo'),
    inApp('depends_on: [db]'),
    inApp('x-foo: 1'),
    inApp('network_mode: host'),
    inApp('deploy:'),
    inApp('deploy: {labels: []}'),
    inApp('deploy: {labels: [a=1, a=2]}'),
    inApp('deploy: {labels: {a: 1, b: 1.5, c: , d: 2020-01-01}}'),
    inApp('deploy: {mode: anything, endpoint_mode: anything}'),
    inApp('deploy: {replicas: 2.0}'),
    inApp('deploy: {replicas: 010}'),
    inApp("deploy: {replicas: '${COUNT}'}"),
    inApp('networks: {n: }\nnetworks: {n: }'),
    inApp('networks: {n: {aliases: [z]}}\nnetworks: {n: {}}'),
    inApp('ports: [80, "8080:80/tcp", {target: 80, published: 8080, mode: host}]'),
    inApp("ports: [{target: '${COUNT}'}]"),
    `${app}networks: {n: {external: {name: foo}}}`,
    `${app}networks: {n: {external: '\${FLAG}'}}`,
    `${app}secrets: {n: {external: true, file: ./n}}`,
    `${app}volumes: {v: }\nconfigs: {c: {file: ./c}}`,
    'services: {a: {image: !foo x, ports: !reset []}}',
    'x-a: &a {image: x}\nservices: {b: {<<: *a}}',
    "version: '3.8'",
    'services: {}',
  ])('%j', (text) => {
    expect(rejections(text)).toEqual([]);
  });
});

it('reads the label of a network of the HTTP Routing Mesh', () => {
  const text = `services:
  app:
    networks: [front, back]
    deploy: { labels: ['com.docker.ucp.mesh.http=80=http://app.example.org'] }
networks:
  front: { labels: { com.docker.ucp.mesh.http: 'true' } }
  back: {}
`;

  expect(lint({ 'stack.yml': text }).filter((finding) => finding.includes('error'))).toEqual([]);
});
