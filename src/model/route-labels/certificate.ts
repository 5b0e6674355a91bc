import { shut } from '../acme/routes.ts';
import type { Host } from '../hosts/host.ts';
import { type LabelDefinition, label } from '../labels/label.ts';
import { conflictingLabels } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { LabelName } from '../labels/labels.ts';
import type { RoutedService, ServiceContext } from '../parse-service.ts';
import { routeNames, type Terminated } from '../route.ts';
import { judgeServer, uncovered } from '../secrets/judge-secrets.ts';
import { lastGood, type Pair } from '../secrets/last-good.ts';
import { isStapled, uncoveredHosts } from '../secrets/material.ts';
import { judgeUse } from '../secrets/secret-use.ts';
import { textOf, type Verdict } from '../secrets/verdict.ts';
import type { SwarmService } from '../snapshot.ts';
import type { RouteContext } from './context.ts';
import { secretName } from './secret-name.ts';
import { complain } from './secrets.ts';

export const certificateLabels = {
  ssl_cert: label({
    name: 'ssl_cert',
    policy: 'protective',
    type: 'name of a secret',
    default: '',
    example: 'demo_app.example.org.cert',
    description:
      "Docker secret with the hosts' certificate chain in PEM format, leaf certificate first. In a stack, the stack prefix is optional. The proxies terminate TLS.",
    schema: secretName,
  }),
  ssl_key: label({
    name: 'ssl_key',
    policy: 'protective',
    type: 'name of a secret',
    default: 'the secret of `ssl_cert`',
    example: 'demo_app.example.org.key',
    description: 'Docker secret with the private key of the certificate, in PEM format and unencrypted.',
    schema: secretName,
  }),
} as const;

export function readMaterial(
  reader: LabelReader,
  service: SwarmService,
  hosts: readonly Host[],
  context: RouteContext,
): Pick<Terminated, 'certificate' | 'key' | 'isStapled'> | undefined {
  const certificate = context.readSecret(certificateLabels.ssl_cert);
  const key = reader.has('ssl_key') ? context.readSecret(certificateLabels.ssl_key) : certificate;
  if (!reader.has('ssl_cert') && key !== undefined)
    reader.refuse(certificateLabels.ssl_cert, 'is missing beside ssl_key', 'Name the secret with the certificate.');
  if (certificate === undefined || key === undefined) return undefined;
  const verdicts = judgeServer(certificate, key, context.material);
  const isBad = verdicts.some(({ severity }) => severity === 'error');
  const wanted = { certificate, key };
  const serving = isBad || isUnread(wanted, context) ? (standIn(service, hosts, context) ?? wanted) : wanted;
  for (const verdict of verdicts) {
    const definition =
      verdict.part === 'key' && reader.has('ssl_key') ? certificateLabels.ssl_key : certificateLabels.ssl_cert;
    if (serving === wanted) complain(reader, definition, verdict);
    else noteStandIn(reader, definition, verdict, serving);
  }
  return { ...serving, isStapled: isStapled(serving.certificate, serving.key, context.material) };
}

/** No job has read them for the proxies yet. */
function isUnread({ certificate, key }: Pair, { read, secrets }: RouteContext): boolean {
  return read !== undefined && [certificate, key].some((name) => !read.has(secrets.get(name)?.id ?? ''));
}

function standIn({ name: service }: SwarmService, hosts: readonly Host[], context: RouteContext): Pair | undefined {
  const { read, secrets, secretUse, material } = context;
  const mayUse = (name: string) => {
    const secret = secrets.get(name);
    return secret !== undefined && judgeUse(secret, secretUse, service)?.severity !== 'error';
  };
  return read && lastGood(hosts, read, material, mayUse);
}

function noteStandIn(
  reader: LabelReader,
  definition: LabelDefinition<string>,
  verdict: Verdict,
  { certificate }: Pair,
): void {
  const remedy = `${verdict.remedy} Until then, the certificate in secret ${certificate} serves.`;
  reader.noteShared(definition, { ...textOf(verdict), remedy });
}

export function noteUnusedMaterial(reader: LabelReader): void {
  const written = [certificateLabels.ssl_cert, certificateLabels.ssl_key].find(({ name }) =>
    reader.has(name as LabelName),
  );
  if (written === undefined) return;
  const reason = 'is ignored: with ssl_passthrough, the service terminates TLS';
  reader.note(written, conflictingLabels(reason, 'Remove one of the two labels.'));
}

/** Hosts that the certificate does not cover are closed; the others stay. */
export function closeUncovered(
  routed: RoutedService,
  reader: LabelReader,
  { material }: ServiceContext,
): RoutedService[] {
  const { route } = routed;
  if (route.tls.kind !== 'terminated') return [routed];
  const hosts = uncoveredHosts(route.tls.certificate, route.hosts, material);
  if (hosts.length === 0) return [routed];
  const names = routeNames({ hosts, isDefault: false, path: route.path });
  reader.noteShared(certificateLabels.ssl_cert, textOf(uncovered(route.tls.certificate)), names);
  const covered = { ...route, hosts: route.hosts.filter((host) => !hosts.includes(host)) };
  const isLeft = covered.hosts.length > 0 || route.isDefault;
  return [
    ...(isLeft ? [{ ...routed, route: covered }] : []),
    { ...routed, route: shut(route, hosts), networkId: undefined, isClosed: true as const },
  ];
}
