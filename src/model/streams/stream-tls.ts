import type { Host } from '../hosts/host.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { LabelName } from '../labels/labels.ts';
import type { RouteContext } from '../route-labels/context.ts';
import { hostLabels } from '../route-labels/hosts.ts';
import { passthroughLabels } from '../route-labels/passthrough.ts';
import { complain } from '../route-labels/secrets.ts';
import { streamLabels } from '../route-labels/streams.ts';
import { judgeServer, uncovered } from '../secrets/judge-secrets.ts';
import { uncoveredHosts } from '../secrets/material.ts';
import { warn } from '../secrets/verdict.ts';
import type { StreamTls } from './stream-route.ts';

const { tcp_tls, tcp_alpn, tcp_proxy_protocol, udp_responses } = streamLabels;
const { ssl_passthrough } = passthroughLabels;

export function readStreamTls(reader: LabelReader, hosts: readonly Host[], context: RouteContext): StreamTls {
  refuseForOtherProtocol(reader);
  const isPassedOn = reader.read(ssl_passthrough) ?? false;
  const isTerminated = reader.has('tcp_tls');
  if (isTerminated && isPassedOn) {
    const reason = 'contradicts ssl_passthrough, with which the service terminates TLS';
    reader.refuse(tcp_tls, reason, 'Remove one of the two.');
  }
  if (reader.has('hosts') && !isTerminated && !isPassedOn)
    reader.refuse(
      hostLabels.hosts,
      'has no effect on a TCP port without TLS, whose connections name no host',
      'Set tcp_tls or ssl_passthrough, or remove the label. Put routes for HTTP into a numbered group.',
    );
  if (isTerminated)
    return { kind: 'terminated', certificate: readCertificate(reader, hosts, context), alpn: readAlpn(reader) };
  if (reader.has('tcp_alpn'))
    reader.note(tcp_alpn, ineffectiveLabel('has no effect without tcp_tls', 'Remove the label.'));
  return { kind: isPassedOn ? 'passthrough' : 'none' };
}

function readAlpn(reader: LabelReader): readonly string[] {
  return reader.read(tcp_alpn) ?? [];
}

/** Labels that would only apply to a protocol that the route does not have. */
function refuseForOtherProtocol(reader: LabelReader): void {
  const ofTcp = [tcp_tls, tcp_alpn, tcp_proxy_protocol, ssl_passthrough, hostLabels.hosts];
  const missing = [
    ...(reader.has('tcp_port') ? [] : ofTcp.map((definition) => [definition, 'tcp_port'] as const)),
    ...(reader.has('udp_port') ? [] : [[udp_responses, 'udp_port'] as const]),
  ];
  for (const [definition, port] of missing)
    if (reader.has(definition.name as LabelName) && reader.entries.get(definition.name)?.from === undefined)
      reader.refuse(definition, `requires ${port}`, `Set ${port}, or remove the label.`);
}

/** '' if it cannot be used. */
function readCertificate(reader: LabelReader, hosts: readonly Host[], { readSecret, material }: RouteContext): string {
  const certificate = readSecret(tcp_tls, (name, known) => judgeServer(name, name, known)) ?? '';
  if (certificate === '' || uncoveredHosts(certificate, hosts, material).length === 0) return certificate;
  // Clients of other protocols than HTTP often do not compare names.
  const { reason, remedy } = uncovered(certificate);
  complain(reader, tcp_tls, warn(reason, remedy));
  return certificate;
}
