// The facts of the Gateway API's conformance tests for HTTPRoute and GRPCRoute, in the real nginx: which service receives which request.
// A rule with alternatives is several groups of labels. Where the order of rules decides there, the oldest service does here.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SwarmService } from '../../src/model/snapshot.ts';
import { aService } from '../support/builders.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, get, http2Port, onePort, startOddNginx } from '../support/odd-nginx.ts';

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

const echo = '/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho';

const tables: Readonly<Record<string, Table>> = {
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

function servicesOf({ hosts: common, protocol, rules }: Table): SwarmService[] {
  const backend = protocol === 'grpc' ? { port: http2Port, backend_protocol: protocol } : { port: onePort };
  return Object.entries(rules).map(([name, all], age) => {
    const hosts = typeof common === 'string' ? common : common[name]!;
    const groups = all.flatMap(([path, match], n) => {
      const values = { hosts, ...backend, paths: path, match, 'request_header.X-Service': name };
      return Object.entries(values).map(([key, value]) => [`com.docker.lb.${n + 1}.${key}`, value] as const);
    });
    const service = aService(`${hosts.replaceAll(/[*, .]+/g, '-')}-${name}`.replace(/^-/, 'any-'), {
      createdAt: String(age),
    });
    return { ...service, labels: Object.fromEntries(groups) };
  });
}

const calls = { port: http2Port, host: 'weight.grpc.test' };
const weighted = Object.entries({ v1: '70', v2: '30', v3: '0' }).map(([name, weight], age) =>
  aService(`weighted-${name}`, {
    ...calls,
    createdAt: String(age),
    lb: { backend_protocol: 'grpc', weight, 'request_header.X-Service': name },
  }),
);
const modified = [
  aService('modified', {
    ...{ ...calls, host: 'modified.grpc.test' },
    lb: {
      backend_protocol: 'grpc',
      'request_header.X-Header-Set': 'set-overwrites-values',
      'request_header.X-Header-Remove': '',
    },
  }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await startOddNginx([...Object.values(tables).flatMap(servicesOf), ...weighted, ...modified]);
});
afterAll(() => nginx[Symbol.asyncDispose]());

describe.each(Object.entries(tables))('%s', (_name, { hosts, protocol, rows }) => {
  it.each(rows.map((row) => [row] as const))('%j', async ([service, method, place, ...headers]) => {
    const [, host = String(hosts), target = ''] = /^(?:\/\/([^/]+))?(\/.*)$/.exec(place) ?? [];
    const answer = await get(nginx, host, target, { method, headers });

    if (service === 404) expect(answer.status).toBe(404);
    else expect(arrived(answer)).toMatchObject({ method, url: target, port: protocol === 'grpc' ? 9003 : 9001 });
    if (service !== 404) expect(arrived(answer).header('x-service')).toBe(service);
  });
});

it('GRPCRouteWeight: calls are shared by weight', async () => {
  const shares: Record<string, number> = {};
  for (let n = 0; n < 300; n++) {
    const service = String(
      arrived(await get(nginx, calls.host, `${echo}/Echo`, { method: 'POST' })).header('x-service'),
    );
    shares[service] = (shares[service] ?? 0) + 1 / 300;
  }

  expect(Object.keys(shares).toSorted()).toEqual(['v1', 'v2']);
  // Four standard deviations.
  expect(Math.abs(shares.v1! - 0.7)).toBeLessThan(0.11);
});

it('GRPCRouteRequestHeaderModifier: metadata is set and removed', async () => {
  const headers = ['X-Header-Set: own', 'X-Header-Remove: own', 'X-Header-Other: own'];
  const { header } = arrived(await get(nginx, 'modified.grpc.test', `${echo}/Echo`, { method: 'POST', headers }));

  expect(header('x-header-set')).toBe('set-overwrites-values');
  expect(header('x-header-remove')).toBeUndefined();
  expect(header('x-header-other')).toBe('own');
});
