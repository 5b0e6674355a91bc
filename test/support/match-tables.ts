// The facts of the Gateway API's conformance tests for HTTPRoute and GRPCRoute: which service receives which request.
// A rule with alternatives is several groups of labels. Where the order of rules decides there, the oldest service does here.
import type { SwarmService } from '../../src/model/snapshot.ts';
import { aService } from './builders.ts';
import { http2Port, onePort } from './odd-nginx.ts';

/** Paths and conditions, by service. The first one is the oldest. */
type Rules = Readonly<Record<string, readonly (readonly [paths: string, match: string])[]>>;
type Row = readonly [service: string | 404, method: string, target: string, ...headers: string[]];

interface Table {
  /** The host of all services, or that of each. Rows then begin with theirs: `//host/path`. */
  readonly hosts: string | Readonly<Record<string, string>>;
  readonly protocol?: 'grpc';
  readonly rules: Rules;
  readonly rows: readonly Row[];
}

/** The service of gRPC. */
export const echo = '/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho';

export const tables: Readonly<Record<string, Table>> = {
  HTTPRouteHeaderMatching: {
    hosts: 'headers.test',
    rules: {
      v2: [
        ['/', 'header:version=two'],
        ['/', 'header:color=red'],
        ['/', 'header:color=yellow'],
      ],
      v1: [
        ['/', 'header:version=one'],
        ['/', 'header:version=two, header:color=orange'],
        ['/', 'header:color=blue'],
        ['/', 'header:color=green'],
      ],
    },
    rows: [
      ['v1', 'GET', '/', 'Version: one'],
      ['v2', 'GET', '/', 'Version: two'],
      ['v1', 'GET', '/', 'Version: two', 'Color: orange'],
      ['v2', 'GET', '/', 'Version: two', 'Color: blue'],
      [404, 'GET', '/', 'Color: orange'],
      [404, 'GET', '/', 'Some-Other-Header: one'],
      ['v1', 'GET', '/', 'Color: blue'],
      ['v1', 'GET', '/', 'Color: green'],
      ['v2', 'GET', '/', 'Color: red'],
      ['v2', 'GET', '/', 'Color: yellow'],
      [404, 'GET', '/', 'Color: purple'],
      [404, 'GET', '/', 'Color: Blue'],
    ],
  },
  HTTPRouteQueryParamMatching: {
    hosts: 'query.test',
    rules: {
      v1: [
        ['/', 'query:animal=whale'],
        ['/path1', 'query:animal=whale'],
        ['/path3', 'query:animal=shark'],
        ['/path4', 'query:animal=kraken, header:version=three'],
        ['/path5', 'query:animal=hydra'],
      ],
      v2: [
        ['/', 'query:animal=dolphin'],
        ['/', 'query:animal=whale, header:version=one'],
        ['/', 'query:animal=hydra'],
      ],
      v3: [
        ['/', 'query:animal=dolphin, query:color=blue'],
        ['/', 'query:ANIMAL=Whale'],
        ['/path2', 'query:animal=whale, header:version=two'],
        ['/', 'header:version=four'],
      ],
    },
    rows: [
      ['v1', 'GET', '/?animal=whale'],
      ['v2', 'GET', '/?animal=dolphin'],
      ['v3', 'GET', '/?animal=dolphin&color=blue'],
      ['v3', 'GET', '/?ANIMAL=Whale'],
      ['v1', 'GET', '/?animal=whale&otherparam=irrelevant'],
      ['v2', 'GET', '/?animal=dolphin&color=yellow'],
      [404, 'GET', '/?color=blue'],
      [404, 'GET', '/?animal=dog'],
      [404, 'GET', '/?animal=whaledolphin'],
      [404, 'GET', '/'],
      ['v1', 'GET', '/path1?animal=whale'],
      ['v2', 'GET', '/?animal=whale', 'version: one'],
      ['v3', 'GET', '/path2?animal=whale', 'version: two'],
      ['v1', 'GET', '/path3?animal=shark'],
      ['v1', 'GET', '/path4?animal=kraken', 'version: three'],
      [404, 'GET', '/?animal=shark'],
      [404, 'GET', '/path4?animal=kraken'],
      ['v1', 'GET', '/path5?animal=hydra'],
      ['v3', 'GET', '/?animal=hydra', 'version: four'],
    ],
  },
  HTTPRouteMethodMatching: {
    hosts: 'methods.test',
    rules: {
      v1: [
        ['/', 'method:POST'],
        ['/path1', 'method:GET'],
        ['/path3', 'method:PATCH'],
        ['/path4', 'method:DELETE, header:version=three'],
        ['/path5', ''],
      ],
      v2: [
        ['/', 'method:GET'],
        ['/', 'method:PUT, header:version=one'],
        ['/', 'method:PATCH'],
      ],
      v3: [
        ['/path2', 'method:POST, header:version=two'],
        ['/', 'header:version=four'],
      ],
    },
    rows: [
      ['v1', 'POST', '/'],
      ['v2', 'GET', '/'],
      [404, 'HEAD', '/'],
      ['v1', 'GET', '/path1'],
      ['v2', 'PUT', '/', 'version: one'],
      ['v3', 'POST', '/path2', 'version: two'],
      ['v1', 'PATCH', '/path3'],
      ['v1', 'DELETE', '/path4', 'version: three'],
      [404, 'PUT', '/'],
      [404, 'DELETE', '/path4'],
      ['v1', 'PATCH', '/path5'],
      ['v2', 'PATCH', '/', 'version: four'],
    ],
  },
  HTTPRouteMatching: {
    hosts: 'paths.test',
    rules: {
      v1: [
        ['/', ''],
        ['/', 'header:version=one'],
      ],
      v2: [
        ['/v2', ''],
        ['/', 'header:version=two'],
      ],
    },
    rows: [
      ['v1', 'GET', '/'],
      ['v1', 'GET', '/example'],
      ['v1', 'GET', '/', 'Version: one'],
      ['v2', 'GET', '/v2'],
      ['v2', 'GET', '/v2/example'],
      ['v2', 'GET', '/', 'Version: two'],
      ['v2', 'GET', '/v2/example', 'Version: one'],
      ['v1', 'GET', '/v2example'],
    ],
  },
  HTTPExactPathMatching: {
    hosts: 'exact.test',
    rules: { v1: [['=/one', '']], v2: [['=/two', '']] },
    rows: [
      ['v1', 'GET', '/one'],
      ['v2', 'GET', '/two'],
      [404, 'GET', '/'],
      [404, 'GET', '/one/example'],
      [404, 'GET', '/two/'],
      [404, 'GET', '/Two'],
    ],
  },
  HTTPRoutePathMatchOrder: {
    hosts: 'order.test',
    rules: {
      v1: [
        ['/match/prefix/one', ''],
        ['=/match/exact/one', ''],
        ['/match', ''],
      ],
      v2: [
        ['/match/prefix', ''],
        ['=/match/exact', ''],
      ],
      v3: [
        ['=/match', ''],
        ['/', ''],
      ],
    },
    rows: [
      ['v3', 'GET', '/match'],
      ['v2', 'GET', '/match/exact'],
      ['v1', 'GET', '/match/exact/one'],
      ['v1', 'GET', '/match/any'],
      ['v2', 'GET', '/match/prefix'],
      ['v1', 'GET', '/match/prefix/one'],
      ['v1', 'GET', '/match/prefix/one/any'],
      ['v2', 'GET', '/match/prefix/any'],
      ['v3', 'GET', '/other'],
    ],
  },
  'an exact path beside a prefix': {
    hosts: 'beside.test',
    rules: {
      v1: [['/a', '']],
      v2: [
        ['=/a', 'header:version=two'],
        ['=/a/b/c', ''],
      ],
      v3: [['/a/b/c', 'method:POST']],
    },
    rows: [
      ['v1', 'GET', '/a'],
      ['v2', 'GET', '/a', 'version: two'],
      ['v1', 'GET', '/a/', 'version: two'],
      ['v2', 'POST', '/a/b/c'],
      ['v3', 'POST', '/a/b/c/'],
      ['v1', 'GET', '/a/b/c/d'],
    ],
  },
  HTTPRouteRegexPathMatching: {
    hosts: 'expressions.test',
    rules: { v1: [[String.raw`~/regex/\d+/users`, '']], v2: [['/regex', '']], v3: [['=/regex/7/users', '']] },
    rows: [
      ['v1', 'GET', '/regex/12/users'],
      ['v3', 'GET', '/regex/7/users'],
      ['v2', 'GET', '/regex/12/users/x'],
      ['v2', 'GET', '/regex/x/users'],
    ],
  },
  GRPCExactMethodMatching: {
    hosts: 'methods.grpc.test',
    protocol: 'grpc',
    rules: { v1: [[`=${echo}/Echo`, '']], v2: [[`=${echo}/EchoTwo`, '']], v3: [['/other.Service', '']] },
    rows: [
      ['v1', 'POST', `${echo}/Echo`],
      ['v2', 'POST', `${echo}/EchoTwo`],
      [404, 'POST', `${echo}/EchoThree`],
      [404, 'POST', `${echo}/Echo/x`],
      ['v3', 'POST', '/other.Service/Any'],
      [404, 'POST', '/other.ServiceTwo/Any'],
    ],
  },
  GRPCRouteHeaderMatching: {
    hosts: 'headers.grpc.test',
    protocol: 'grpc',
    // The first rule of the original is the first that matches; here the oldest service is.
    rules: {
      v2: [
        ['/', 'header:version=two'],
        ['/', 'header:color=red'],
      ],
      v1: [
        ['/', 'header:version=one'],
        ['/', 'header:version=two, header:color=orange'],
        ['/', 'header:color=blue'],
      ],
    },
    rows: [
      ['v1', 'POST', `${echo}/Echo`, 'version: one'],
      ['v2', 'POST', `${echo}/Echo`, 'version: two'],
      ['v1', 'POST', `${echo}/Echo`, 'version: two', 'color: orange'],
      ['v1', 'POST', `${echo}/Echo`, 'color: blue'],
      ['v2', 'POST', `${echo}/Echo`, 'color: red'],
      ['v2', 'POST', `${echo}/Echo`, 'version: two', 'color: blue'],
      [404, 'POST', `${echo}/Echo`, 'color: orange'],
      [404, 'POST', `${echo}/Echo`],
    ],
  },
  GRPCRouteListenerHostnameMatching: {
    hosts: { v1: 'bar.grpc.test', v2: 'foo.bar.grpc.test', v3: '*.bar.grpc.test, *.foo.grpc.test' },
    protocol: 'grpc',
    rules: { v1: [['/', '']], v2: [['/', '']], v3: [['/', '']] },
    rows: [
      ['v1', 'POST', `//bar.grpc.test${echo}/Echo`],
      ['v2', 'POST', `//foo.bar.grpc.test${echo}/Echo`],
      ['v3', 'POST', `//baz.bar.grpc.test${echo}/Echo`],
      ['v3', 'POST', `//boo.bar.grpc.test${echo}/Echo`],
      ['v3', 'POST', `//multiple.prefixes.bar.grpc.test${echo}/Echo`],
      ['v3', 'POST', `//multiple.prefixes.foo.grpc.test${echo}/Echo`],
    ],
  },
  'GRPCRouteMultipleRoutes, of two services on one host': {
    hosts: 'shared.grpc.test',
    protocol: 'grpc',
    rules: { v1: [[`=${echo}/Echo`, 'header:version=one']], v2: [[echo, '']] },
    rows: [
      ['v1', 'POST', `${echo}/Echo`, 'version: one'],
      ['v2', 'POST', `${echo}/Echo`],
      ['v2', 'POST', `${echo}/EchoTwo`, 'version: one'],
      [404, 'POST', '/other.Service/Echo'],
    ],
  },
  'a longer path whose conditions do not hold': {
    hosts: 'fallen.test',
    rules: {
      v1: [['/', '']],
      v2: [
        ['/a', 'header:version=two'],
        ['/a/b', 'method:POST'],
      ],
      v3: [['/a/b/c', 'query:x']],
    },
    rows: [
      ['v1', 'GET', '/a'],
      ['v2', 'GET', '/a', 'version: two'],
      ['v2', 'POST', '/a/b'],
      ['v1', 'GET', '/a/b'],
      ['v2', 'GET', '/a/b', 'version: two'],
      ['v3', 'GET', '/a/b/c?x'],
      ['v1', 'GET', '/a/b/c'],
      ['v2', 'POST', '/a/b/c/'],
      ['v2', 'GET', '/a/b/c', 'version: two'],
    ],
  },
};

/** The name of a service, from its host and its name in the table. */
export function serviceName({ hosts: common }: Table, name: string): string {
  const hosts = typeof common === 'string' ? common : common[name]!;
  return `${hosts.replaceAll(/[*, .]+/g, '-')}-${name}`.replace(/^-/, 'any-');
}

/** Host and path of a row's target. */
export function placeOf({ hosts }: Table, target: string): { readonly host: string; readonly path: string } {
  const [, host = String(hosts), path = ''] = /^(?:\/\/([^/]+))?(\/.*)$/.exec(target) ?? [];
  return { host, path };
}

export function servicesOf(table: Table): SwarmService[] {
  const { hosts: common, protocol, rules } = table;
  const backend = protocol === 'grpc' ? { port: http2Port, backend_protocol: protocol } : { port: onePort };
  return Object.entries(rules).map(([name, all], age) => {
    const hosts = typeof common === 'string' ? common : common[name]!;
    const groups = all.flatMap(([path, match], n) => {
      const values = { hosts, ...backend, paths: path, match, 'request_header.X-Service': name };
      return Object.entries(values).map(([key, value]) => [`com.docker.lb.${n + 1}.${key}`, value] as const);
    });
    const service = aService(serviceName(table, name), { createdAt: String(age) });
    return { ...service, labels: Object.fromEntries(groups) };
  });
}
