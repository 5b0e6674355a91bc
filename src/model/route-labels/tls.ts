import { readClientCa, readClientCrl } from '../features/client-certificate.ts';
import type { Host } from '../hosts/host.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { Terminated, Tls } from '../route.ts';
import type { SwarmService } from '../snapshot.ts';
import { noteUnusedMaterial, readMaterial } from './certificate.ts';
import type { RouteContext } from './context.ts';
import { hstsLabels } from './hsts.ts';
import { passthroughLabels } from './passthrough.ts';
import { noteUnusedProtocols, readProtocols } from './tls-protocols.ts';

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
  if (source === 'none') noteUnusedProtocols(reader, passthrough);
  const terms = readTerms(reader, hsts, source !== 'none', context);
  if (source === 'later')
    return terms ? { kind: 'terminated', certificate: '', key: '', isStapled: false, ...terms } : { kind: 'closed' };
  if (source === 'labels') {
    const material = readMaterial(reader, service, hosts, context);
    return material && terms ? { kind: 'terminated', ...material, ...terms } : { kind: 'closed' };
  }
  if (!passthrough) return { kind: 'none', ...(hsts === '' ? {} : { hsts }) };
  noteUnusedMaterial(reader);
  return { kind: 'passthrough', proxyProtocol };
}

/** What labels require of TLS besides the certificate. Undefined if one of them is invalid. */
function readTerms(
  reader: LabelReader,
  hsts: string,
  isTerminated: boolean,
  context: RouteContext,
): Pick<Terminated, 'hsts' | 'clientCa' | 'clientCrl' | 'protocols'> | undefined {
  const clientCa = readClientCa(reader, isTerminated, context.readSecret);
  const protocols = isTerminated ? readProtocols(reader, context) : '';
  const clientCrl = readClientCrl(reader, context.readSecret);
  if (clientCa === undefined || clientCrl === undefined || protocols === undefined) return undefined;
  return { hsts, clientCa, ...(clientCrl === '' ? {} : { clientCrl }), ...(protocols === '' ? {} : { protocols }) };
}

/** Certificates that are ordered or listed in the settings are added later: see acme/routes.ts and give-certificates.ts. */
function certificateSource(
  reader: LabelReader,
  { cluster }: RouteContext,
  isOrdered: boolean,
): 'labels' | 'later' | 'none' {
  if (isOrdered) return 'later';
  if (reader.has('ssl_cert') || reader.has('ssl_key')) return 'labels';
  const isWanted = reader.has('ssl_client_ca') || reader.has('ssl_protocols');
  return isWanted && cluster?.givesCertificates ? 'later' : 'none';
}

export function closed(tls: Tls): Tls {
  return tls.kind === 'none' ? tls : { kind: 'closed' };
}
