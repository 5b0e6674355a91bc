import type { Group, Remark } from '../foreign-label.ts';
import { type Fields, isTrue, type TraefikService } from './read-labels.ts';
import { type Conjunction, parseRule, RuleError } from './rule.ts';

/** TLS connections that are passed through by the name in their handshake. Other TCP connections need ports of the cluster. */
export function convertTcp({ tcpRouters, tcpServices }: TraefikService): Group[] {
  return [...tcpRouters.values()].map((fields): Group => {
    const hosts = isTrue(fields.get('tls.passthrough')?.value) ? namesOf(fields) : undefined;
    if (hosts === undefined) return { labels: new Map(), remarks: [withoutCounterpart(fields)] };
    const middlewares = fields.get('middlewares');
    if (middlewares !== undefined) return { labels: new Map(), remarks: [mayProtect(middlewares)] };
    const [service] = tcpServices.values();
    const port = service?.get('loadbalancer.server.port')?.value;
    const version = service?.get('loadbalancer.proxyprotocol.version');
    const sendsProxyProtocol =
      service !== undefined && [...service.keys()].some((path) => path.startsWith('loadbalancer.proxyprotocol'));
    const labels = new Map([
      ['hosts', hosts.join(', ')],
      ...(port === undefined ? [] : [['port', port] as const]),
      ['ssl_passthrough', 'true'],
      ...(sendsProxyProtocol ? [['ssl_passthrough_proxy_protocol', 'true'] as const] : []),
    ]);
    const old =
      version?.value === '1' || !sendsProxyProtocol ? [] : [olderVersion(version ?? [...service!.values()][0]!)];
    return { labels, remarks: old };
  });
}

function namesOf(fields: Fields): readonly string[] | undefined {
  try {
    const alternatives: readonly Conjunction[] = parseRule(fields.get('rule')?.value ?? '');
    const isNamed = alternatives.every(
      ([matcher, ...others]) => others.length === 0 && matcher!.name === 'HostSNI' && !matcher!.isNegated,
    );
    const names = alternatives.flatMap(([matcher]) => matcher!.args);
    return isNamed && !names.includes('*') ? names : undefined;
  } catch (error) {
    if (error instanceof RuleError) return undefined;
    throw error;
  }
}

function withoutCounterpart(fields: Fields): Remark {
  const label = fields.get('rule') ?? [...fields.values()][0]!;
  return {
    severity: 'error',
    label,
    reason: 'routes TCP connections without TLS passthrough by name',
    remedy:
      'Publish a port of the cluster with TcpPorts in the settings, and name it with tcp_port: docs/guides/tcp-udp.md.',
  };
}

function mayProtect(label: Remark['label']): Remark {
  const reason = 'is not converted and may protect the service: the route is left out';
  return { severity: 'error', label, reason, remedy: 'Write hosts, ssl_passthrough and allow by hand.' };
}

function olderVersion(label: Remark['label']): Remark {
  return {
    severity: 'warning',
    label,
    reason: 'becomes version 1 of the PROXY protocol',
    remedy: 'Check that the service accepts it.',
  };
}
