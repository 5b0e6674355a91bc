import type { Host } from './host.ts';
import { readHrmLabels } from './hrm.ts';
import { groupLabels, hasRoutingLabels, type LabelEntry, LabelReader } from './label-reader.ts';
import { type BackendProtocol, type ClientCertificate, type LabelDefinition, labels, type Redirect } from './labels.ts';
import { isStapled, judgeAuthority, judgeServer, type Material, uncoveredHosts, type Verdict } from './material.ts';
import type { Problem } from './problem.ts';
import {
  type Affinity,
  type Backend,
  compareText,
  type Maintenance,
  type Peer,
  type Route,
  type RouteOptions,
  type SecretRef,
  type Tls,
} from './route.ts';
import type { HostTask, StoredObject, SwarmNetwork, SwarmNode, SwarmService } from './snapshot.ts';

/** What a service asks for by its labels. */
export interface ParsedService {
  readonly routes: readonly RoutedService[];
  readonly problems: readonly Problem[];
}

export interface RoutedService {
  readonly route: Route;
  /** Value of the service cluster label; '' is the default cluster. */
  readonly serviceCluster: string;
  /** Network over which proxies reach it; undefined where none is needed. */
  readonly networkId: string | undefined;
  /**
   * Secrets that the proxies must have. Those of a route that is closed too: what is in them is known from the proxies alone, and a
   * verdict must not take away its own grounds.
   */
  readonly secrets: readonly SecretRef[];
  /** Tasks that may answer at a time; sizes the proxies' memory. */
  readonly peerCount: number;
}

export interface ServiceContext {
  readonly networks: ReadonlyMap<string, SwarmNetwork>;
  /** By name. */
  readonly secrets: ReadonlyMap<string, StoredObject>;
  readonly nodes: ReadonlyMap<string, SwarmNode>;
  /** Running tasks with ports on their nodes, by service. */
  readonly hostTasks: ReadonlyMap<string, readonly HostTask[]>;
  readonly nodeCount: number;
  /** What is in the secrets, as far as it is known. */
  readonly material: Material;
}

export function parseService(service: SwarmService, context: ServiceContext): ParsedService {
  // UCP's migration wrote today's labels beside those of the mesh: where there are both, today's hold.
  const { groups, problems } = hasRoutingLabels(service.labels)
    ? groupLabels(service.name, service.labels)
    : readHrmLabels(service);
  const parsed = [...groups.values()].map((group) => parseGroup(service, group, context));
  return {
    routes: parsed.flatMap(({ routed }) => routed),
    problems: [...problems, ...parsed.flatMap((group) => group.problems)],
  };
}

function parseGroup(service: SwarmService, group: ReadonlyMap<string, LabelEntry>, context: ServiceContext) {
  const reader = new LabelReader(service.name, group);
  const serviceCluster = reader.readOr(labels.service_cluster, '');
  const isDefault = reader.read(labels.default_backend) ?? false;
  const hosts = readHosts(reader, isDefault);
  const path = reader.readOr(labels.context_root, '');
  const redirects = readRedirects(reader, hosts);
  const options = readOptions(reader, service, context);
  const port = readPort(reader);
  const onHost = usesHostPorts(reader, service, context);
  if (onHost && port !== undefined) requireHostPort(reader, service, port);
  const network = onHost ? undefined : readNetwork(reader, service, context);
  const tls = readTls(reader, service, context);
  const mode = readMode(reader, service, options);
  const maintenance = readMaintenance(reader);
  const limits = { maxFails: reader.read(labels.max_fails), failTimeout: reader.read(labels.fail_timeout) };
  const nowhere = hosts.length === 0 && !isDefault;
  // A bad cluster or path label leaves open where the 503 should stand: the route is then in no table at all.
  if (nowhere || path === undefined || serviceCluster === undefined) return { routed: [], problems: reader.problems };
  const reachable =
    reader.closed || port === undefined
      ? []
      : onHost
        ? hostPeers(service, port, context)
        : namedPeers(service, network, mode, port);
  const peers = reachable.map((peer) => ({ ...peer, ...limits }));
  const backend: Backend = peers.length === 0 ? { kind: 'unavailable' } : { kind: 'peers', peers };
  const { id, name, createdAt } = service;
  const route: Route = {
    service: { id, name, createdAt },
    hosts,
    isDefault,
    path,
    redirects,
    options,
    tls: reader.closed ? closed(tls) : tls,
    backend,
    maintenance,
  };
  const peerCount = mode === 'vip' ? 1 : wantedTasks(service, context.nodeCount);
  const networkId = backend.kind === 'peers' ? network?.id : undefined;
  const routed = { route, serviceCluster, networkId, peerCount, secrets: secretsOf(tls, options) };
  return { routed: closeUncovered(routed, reader, context), problems: reader.problems };
}

function secretsOf(tls: Tls, { backendCa }: RouteOptions): SecretRef[] {
  const ofTls = tls.kind === 'terminated' ? [tls.certificate, tls.key, tls.clientCa] : [];
  return [...ofTls, backendCa].filter((name) => name !== '');
}

/** Hosts that the certificate does not cover are closed; the others stay. */
function closeUncovered(routed: RoutedService, reader: LabelReader, { material }: ServiceContext): RoutedService[] {
  const { route } = routed;
  if (route.tls.kind !== 'terminated') return [routed];
  const hosts = uncoveredHosts(route.tls.certificate, route.hosts, material);
  if (hosts.length === 0) return [routed];
  for (const { name } of hosts)
    reader.note(
      'error',
      labels.ssl_cert,
      `does not cover ${name}`,
      'Name a certificate that does, or leave out the host.',
    );
  const covered = { ...route, hosts: route.hosts.filter((host) => !hosts.includes(host)) };
  const shut: Route = { ...route, hosts, isDefault: false, tls: { kind: 'closed' }, backend: { kind: 'unavailable' } };
  const isLeft = covered.hosts.length > 0 || route.isDefault;
  return [...(isLeft ? [{ ...routed, route: covered }] : []), { ...routed, route: shut, networkId: undefined }];
}

function readHosts(reader: LabelReader, isDefault: boolean): Host[] {
  const entries = reader.read(labels.hosts) ?? [];
  const hosts: Host[] = [];
  for (const { text, host } of entries) {
    if (typeof host !== 'string') hosts.push(host);
    else
      reader.note(
        'error',
        labels.hosts,
        `${JSON.stringify(text)} ${host}`,
        `Write names as in ${labels.hosts.example}.`,
      );
  }
  if (entries.length === 0 && !isDefault) {
    reader.note(
      'error',
      labels.hosts,
      'is missing',
      `Say which names the service answers to, for example ${labels.hosts.example}.`,
    );
  }
  return [...new Map(hosts.map((host) => [`${host.kind} ${host.name}`, host])).values()];
}

function readRedirects(reader: LabelReader, hosts: readonly Host[]): Redirect[] {
  const redirects = reader.read(labels.redirects) ?? [];
  const own = (name: string) => hosts.some((host) => host.kind === 'exact' && host.name === name);
  for (const { host } of redirects.filter(({ host }) => !own(host))) {
    reader.note(
      'error',
      labels.redirects,
      `sends ${host} elsewhere, which is none of the hosts`,
      `Add ${host} to the hosts.`,
    );
  }
  return redirects.filter(({ host }) => own(host));
}

function readOptions(reader: LabelReader, service: SwarmService, context: ServiceContext): RouteOptions {
  const rewrite = reader.read(labels.context_root_rewrite) ?? false;
  const sslOnly = reader.read(labels.ssl_only) ?? false;
  reader.read(labels.websocket_endpoints);
  const sslBackend = reader.read(labels.ssl_backend) ?? false;
  const protocol = reader.read(labels.backend_protocol) ?? (sslBackend ? 'https' : 'http');
  if (rewrite && protocol.startsWith('grpc')) {
    reader.note(
      'warning',
      labels.context_root_rewrite,
      'cannot be done for gRPC, whose methods are in the path',
      'Leave it out.',
    );
  }
  return {
    rewrite,
    sslOnly,
    protocol,
    backendCa: readBackendCa(reader, protocol, service, context),
    backendName: reader.read(labels.ssl_backend_name) ?? '',
    clientCertificate: readClientCertificate(reader),
    affinity: readAffinity(reader),
  };
}

function readBackendCa(
  reader: LabelReader,
  protocol: BackendProtocol,
  service: SwarmService,
  context: ServiceContext,
): SecretRef | '' {
  const isNamed = reader.has('ssl_backend_ca');
  const isRequired = reader.readOr(labels.ssl_backend_tls_verify, isNamed);
  const ca = isNamed ? readAuthority(reader, labels.ssl_backend_ca, service, context) : undefined;
  // One of them is bad, and the route is closed.
  if (isRequired === undefined || (isNamed && ca === undefined)) return '';
  if (!isRequired) {
    if (isNamed)
      reader.note(
        'warning',
        labels.ssl_backend_ca,
        'is not used: ssl_backend_tls_verify is none',
        'Choose one of the two.',
      );
    return '';
  }
  if (ca === undefined)
    reader.refuse(
      labels.ssl_backend_tls_verify,
      'is required without a CA',
      'Name the secret with the CA in ssl_backend_ca.',
    );
  if (protocol !== 'https' && protocol !== 'grpcs')
    reader.refuse(
      labels.ssl_backend_tls_verify,
      `is required, but ${protocol} is spoken to the service, without TLS`,
      'Set ssl_backend to true.',
    );
  return ca ?? '';
}

function readClientCertificate(reader: LabelReader): ClientCertificate {
  const wanted = reader.readOr(labels.ssl_client_verify, 'required');
  if (reader.has('ssl_client_ca')) return wanted ?? 'required';
  if (reader.has('ssl_client_verify') && wanted !== undefined)
    reader.refuse(labels.ssl_client_verify, 'is set without a CA', 'Name the secret with the CA in ssl_client_ca.');
  return 'none';
}

function readTls(reader: LabelReader, service: SwarmService, context: ServiceContext): Tls {
  const passthrough = reader.read(labels.ssl_passthrough) ?? false;
  const proxyProtocol = reader.read(labels.ssl_passthrough_proxy_protocol) ?? false;
  const hsts = reader.read(labels.hsts) ?? '';
  const isTerminated = !passthrough && (reader.has('ssl_cert') || reader.has('ssl_key'));
  const clientCa = readClientCa(reader, isTerminated, service, context);
  if (isTerminated) {
    const material = readMaterial(reader, service, context);
    return material && clientCa !== undefined
      ? { kind: 'terminated', ...material, hsts, clientCa }
      : { kind: 'closed' };
  }
  if (!passthrough) return { kind: 'none' };
  if (reader.has('ssl_cert') || reader.has('ssl_key'))
    reader.note(
      'warning',
      labels.ssl_cert,
      'is not used: ssl_passthrough leaves TLS to the service',
      'Choose one of the two.',
    );
  return { kind: 'passthrough', proxyProtocol };
}

function readMaterial(reader: LabelReader, service: SwarmService, context: ServiceContext) {
  const certificate = readSecret(reader, labels.ssl_cert, service, context);
  const key = reader.has('ssl_key') ? readSecret(reader, labels.ssl_key, service, context) : certificate;
  if (!reader.has('ssl_cert') && key !== undefined)
    reader.refuse(labels.ssl_cert, 'is missing beside ssl_key', 'Name the secret with the certificate.');
  if (certificate === undefined || key === undefined) return undefined;
  for (const verdict of judgeServer(certificate, key, context.material))
    complain(reader, verdict.part === 'key' && reader.has('ssl_key') ? labels.ssl_key : labels.ssl_cert, verdict);
  return { certificate, key, isStapled: isStapled(certificate, key, context.material) };
}

/** '' where no certificates are asked for, undefined where the label is bad. */
function readClientCa(
  reader: LabelReader,
  isTerminated: boolean,
  service: SwarmService,
  context: ServiceContext,
): SecretRef | undefined {
  if (!reader.has('ssl_client_ca')) return '';
  const ca = readAuthority(reader, labels.ssl_client_ca, service, context);
  if (ca !== undefined && !isTerminated)
    reader.refuse(
      labels.ssl_client_ca,
      'needs TLS to end in the proxies, and ssl_cert does not say so',
      'Name the secret with the certificate in ssl_cert, and leave out ssl_passthrough.',
    );
  return ca;
}

function readAuthority(
  reader: LabelReader,
  definition: LabelDefinition<string>,
  service: SwarmService,
  context: ServiceContext,
): SecretRef | undefined {
  const name = readSecret(reader, definition, service, context);
  if (name === undefined) return undefined;
  for (const verdict of judgeAuthority(name, context.material)) complain(reader, definition, verdict);
  return name;
}

function complain(reader: LabelReader, definition: LabelDefinition<string>, verdict: Verdict): void {
  const { severity, reason, remedy } = verdict;
  if (severity === 'error') reader.refuse(definition, reason, remedy);
  else reader.note(severity, definition, reason, remedy);
}

/** Names are accepted with and without the prefix of the stack. */
function readSecret(
  reader: LabelReader,
  definition: LabelDefinition<string>,
  { labels: all }: SwarmService,
  { secrets }: ServiceContext,
): string | undefined {
  const wanted = reader.read(definition);
  if (wanted === undefined) return undefined;
  const found = [wanted, `${all['com.docker.stack.namespace']}_${wanted}`].find((name) => secrets.has(name));
  if (found === undefined)
    reader.refuse(definition, 'is not a secret of this swarm', `Create it: docker secret create ${wanted} <file>.`);
  return found;
}

function closed(tls: Tls): Tls {
  return tls.kind === 'none' ? tls : { kind: 'closed' };
}

function readAffinity(reader: LabelReader): Affinity {
  const name = reader.read(labels.sticky_session_cookie) ?? '';
  const ipHash = reader.read(labels.ip_hash) ?? false;
  if (name !== '' && ipHash) {
    reader.note(
      'warning',
      labels.ip_hash,
      'is set beside sticky_session_cookie, which holds',
      'Choose one of the two.',
    );
  }
  if (name !== '') return { kind: 'cookie', name };
  return ipHash ? { kind: 'address' } : { kind: 'none' };
}

function readMode(reader: LabelReader, { endpointMode }: SwarmService, { affinity }: RouteOptions): string {
  const mode = reader.read(labels.backend_mode) ?? 'task';
  if (mode === 'vip' && endpointMode === 'dnsrr') {
    reader.note(
      'error',
      labels.backend_mode,
      'is vip, but the service has no virtual address (endpoint mode dnsrr)',
      'Use task, or endpoint mode vip.',
    );
    return 'task';
  }
  if (mode === 'vip' && affinity.kind !== 'none') {
    reader.note('warning', labels.backend_mode, 'is vip: clients cannot be sent to the same task again', 'Use task.');
  }
  return mode;
}

function readMaintenance(reader: LabelReader): Maintenance | undefined {
  const allow = reader.read(labels.maintenance_allow) ?? [];
  return reader.read(labels.maintenance) ? { allow } : undefined;
}

function readPort(reader: LabelReader): number | undefined {
  if (!reader.has('port'))
    reader.refuse(labels.port, 'is missing', 'Say which port of the container takes the requests.');
  return reader.read(labels.port);
}

/**
 * The right network or a clear problem, never a random one. Names are accepted with and without the prefix of the stack. With
 * a single network a name that fits nothing falls back to that one, as in Interlock, and says so.
 */
function readNetwork(
  reader: LabelReader,
  service: SwarmService,
  { networks }: ServiceContext,
): SwarmNetwork | undefined {
  const attached = service.networkIds
    .flatMap((id) => networks.get(id) ?? [])
    .filter(({ driver, ingress }) => driver === 'overlay' && !ingress);
  const [only] = attached;
  const names = attached
    .map(({ name }) => name)
    .toSorted()
    .join(', ');
  if (!only) {
    reader.refuse(
      labels.network,
      'has no network: the service is attached to no overlay network',
      'Attach the service to an overlay network.',
    );
    return undefined;
  }
  const wanted = reader.read(labels.network);
  if (wanted === undefined) {
    if (attached.length === 1) return only;
    if (!reader.has('network'))
      reader.refuse(labels.network, 'is missing, and the service has several networks', `Name one of: ${names}.`);
    return undefined;
  }
  const stack = service.labels['com.docker.stack.namespace'];
  const found =
    attached.find(({ name }) => name === wanted) ?? attached.find(({ name }) => name === `${stack}_${wanted}`);
  if (found) return found;
  if (attached.length > 1) {
    reader.refuse(labels.network, 'is none of the networks of the service', `Name one of: ${names}.`);
    return undefined;
  }
  reader.note(
    'warning',
    labels.network,
    `is not a network of the service; its only one, ${only.name}, is used`,
    `Name it ${only.name}, or leave the label out.`,
  );
  return only;
}

/**
 * Tasks are followed by the engine's DNS: `tasks.<service>.<network>` is every task that is up and healthy, and the network
 * behind it keeps old engines from answering with another network's addresses.
 * A service without tasks must be a rendered 503: its last addresses may belong to somebody else by now.
 */
function namedPeers(service: SwarmService, network: SwarmNetwork | undefined, mode: string, port: number): Peer[] {
  if (network === undefined || wantedTasks(service, 1) === 0) return [];
  const name = `${service.name}.${network.name}`;
  if (mode === 'vip') return [{ address: name, port, resolve: true, virtual: true }];
  return [{ address: `tasks.${name}`, port, resolve: true }];
}

/**
 * A service that publishes its port on its nodes is reached there, by the addresses of the nodes: it needs no overlay network. Names
 * of networks that only a node knows mean this too, beside an overlay.
 */
function usesHostPorts(reader: LabelReader, service: SwarmService, { networks }: ServiceContext): boolean {
  if (!service.ports.some(({ mode }) => mode === 'host')) return false;
  const wanted = reader.has('network') ? reader.read(labels.network) : undefined;
  const overlays = service.networkIds.filter((id) => networks.get(id)?.driver === 'overlay');
  return wanted === 'bridge' || wanted === 'host' || overlays.length === 0;
}

function requireHostPort(reader: LabelReader, { ports }: SwarmService, port: number): void {
  const published = ports.filter(({ mode }) => mode === 'host').map(({ target }) => target);
  if (published.includes(port)) return;
  reader.refuse(
    labels.port,
    'is not published by the nodes, and that is how the service is reached',
    `Name one of: ${[...new Set(published)].toSorted((a, b) => a - b).join(', ')}. Or attach the service to an overlay network.`,
  );
}

function hostPeers({ id }: SwarmService, port: number, { hostTasks, nodes }: ServiceContext): Peer[] {
  const peers = (hostTasks.get(id) ?? []).flatMap(({ nodeId, ports }) => {
    const address = nodes.get(nodeId)?.address;
    const published = ports.find(({ target, mode }) => target === port && mode === 'host')?.published;
    return address === undefined || published === undefined ? [] : [{ address, port: published, resolve: false }];
  });
  return peers.toSorted((a, b) => compareText(a.address, b.address) || a.port - b.port);
}

function wantedTasks({ mode }: SwarmService, nodeCount: number): number {
  if (mode.kind === 'replicated') return mode.replicas;
  return mode.kind === 'global' ? nodeCount : 0;
}
