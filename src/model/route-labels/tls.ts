import { readClientCa } from '../features/client-certificate.ts';
import type { Host } from '../hosts/host.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { Tls } from '../route.ts';
import type { SwarmService } from '../snapshot.ts';
import { noteUnusedMaterial, readMaterial } from './certificate.ts';
import type { RouteContext } from './context.ts';
import { hstsLabels } from './hsts.ts';
import { passthroughLabels } from './passthrough.ts';

export function readTls(
  reader: LabelReader,
  service: SwarmService,
  hosts: readonly Host[],
  context: RouteContext,
  isOrdered: boolean,
): Tls {
  const passthrough = reader.read(passthroughLabels.ssl_passthrough) ?? false;
  const proxyProtocol = reader.read(passthroughLabels.ssl_passthrough_proxy_protocol) ?? false;
  const hsts = reader.read(hstsLabels.hsts) ?? '';
  const source = passthrough ? 'none' : certificateSource(reader, context, isOrdered);
  const clientCa = readClientCa(reader, source !== 'none', context.readSecret);
  if (source === 'later')
    return clientCa === undefined
      ? { kind: 'closed' }
      : { kind: 'terminated', certificate: '', key: '', isStapled: false, hsts, clientCa };
  if (source === 'labels') {
    const material = readMaterial(reader, service, hosts, context);
    return material && clientCa !== undefined
      ? { kind: 'terminated', ...material, hsts, clientCa }
      : { kind: 'closed' };
  }
  if (!passthrough) return { kind: 'none', ...(hsts === '' ? {} : { hsts }) };
  noteUnusedMaterial(reader);
  return { kind: 'passthrough', proxyProtocol };
}

/** Certificates that are ordered or listed in the settings are added later: see acme/routes.ts and give-certificates.ts. */
function certificateSource(
  reader: LabelReader,
  { cluster }: RouteContext,
  isOrdered: boolean,
): 'labels' | 'later' | 'none' {
  if (isOrdered) return 'later';
  if (reader.has('ssl_cert') || reader.has('ssl_key')) return 'labels';
  return reader.has('ssl_client_ca') && cluster?.givesCertificates ? 'later' : 'none';
}

export function closed(tls: Tls): Tls {
  return tls.kind === 'none' ? tls : { kind: 'closed' };
}
