import type { AcmeFacts } from './acme/facts.ts';
import type { Issuer } from './acme/issuers.ts';
import { readIssuer, shut, withCertificates } from './acme/routes.ts';
import { stackOf } from './default-host.ts';
import type { ReadSecrets } from './encrypted-secrets.ts';
import type { ClusterFacts } from './features/feature.ts';
import { type FeatureOptions, protectingLabels, readFeatures } from './features/features.ts';
import { addGivenLabels } from './given-labels.ts';
import type { Host } from './host.ts';
import { limitHosts } from './host-limits.ts';
import { HRM_NETWORK, hasHrmLabels, readHrmLabels } from './hrm.ts';
import { ignoredLabels } from './ignored-labels.ts';
import { judgeAuthority, judgeServer, missingSecret, uncovered } from './judge-secrets.ts';
import type { LabelDefinition } from './label.ts';
import { groupLabels, hasRoutingLabels, LabelReader } from './label-reader.ts';
import { type BackendProtocol, type ClientCertificate, type LabelName, labels } from './labels.ts';
import { lastGood, type Pair } from './last-good.ts';
import { isStapled, type Material, materialOf, uncoveredHosts } from './material.ts';
import { encodeCase, fitsDns, hasUpperCase } from './name-case.ts';
import { controlNetwork } from './names.ts';
import { type Problem, shownValue } from './problem.ts';
import { divideRedirects, REDIRECT_FORM } from './redirects.ts';
import { secretsIn } from './rename-secrets.ts';
import {
  type Affinity,
  type Backend,
  compareText,
  type Deciding,
  type GivenValue,
  type Maintenance,
  type Peer,
  type Route,
  type RouteOptions,
  routeNames,
  type SecretRef,
  type Terminated,
  type Tls,
} from './route.ts';
import { judgeUse, type SecretUse } from './secret-use.ts';
import type { HostTask, StoredObject, SwarmNetwork, SwarmNode, SwarmService } from './snapshot.ts';
import type { Verdict } from './verdict.ts';

/** The result of parsing a service's labels. */
export interface ParsedService {
  readonly routes: readonly RoutedService[];
  readonly problems: readonly Problem[];
}

export interface RoutedService {
  readonly route: Route;
  /** Name of the service's stack; '' if it belongs to none. */
  readonly stack: string;
  /** Value of the service cluster label; '' is the default cluster. */
  readonly serviceCluster: string;
  /** Network over which proxies reach it; undefined if none is required. */
  readonly networkId: string | undefined;
  /** Virtual address of the service on that network, which no alias can change; undefined if it has none. */
  readonly virtualAddress?: string | undefined;
  /**
   * Secrets that the proxies must have, including those of closed routes: only the proxies know their content, and a verdict must not remove the
   * basis for itself.
   */
  readonly secrets: readonly SecretRef[];
  /** The network of its label, also if the route is closed: over it, the proxies may ask an authenticator. */
  readonly askingNetworkId?: string | undefined;
  /** Not published: other routes ask it who may enter. */
  readonly isAsked?: true | undefined;
  /** Number of tasks that may answer at the same time; sizes the proxies' memory. */
  readonly peerCount: number;
}

export interface ServiceContext {
  readonly networks: ReadonlyMap<string, SwarmNetwork>;
  /** By name. */
  readonly secrets: ReadonlyMap<string, StoredObject>;
  readonly nodes: ReadonlyMap<string, SwarmNode>;
  /** Running tasks with ports published on their nodes, by service. */
  readonly hostTasks: ReadonlyMap<string, readonly HostTask[]>;
  readonly nodeCount: number;
  /** The known facts about secrets. */
  readonly material: Material;
  readonly secretUse: SecretUse;
  readonly acme: AcmeFacts;
  /** By value of the service cluster label. */
  readonly clusters: ReadonlyMap<string, ClusterFacts>;
}

/** The context of one route. */
interface GroupContext extends ServiceContext {
  /** Undefined if no such service cluster exists. */
  readonly cluster: ClusterFacts | undefined;
  /** What jobs have read for the proxies; undefined if Swarm mounts secrets. */
  readonly read: ReadSecrets | undefined;
  /** Secrets that labels of this route name. */
  readonly namedSecrets: string[];
}

export function parseService(service: SwarmService, context: ServiceContext): ParsedService {
  // UCP's migration added current labels to those of the mesh: if there are both, the current ones are used.
  const { groups, problems } = hasRoutingLabels(service.labels)
    ? groupLabels(service.name, service.labels)
    : readHrmLabels(service);
  const limited = limitHosts(service.name, groups);
  const parsed = [...limited.groups].map(([name, group]) =>
    parseGroup(service, new LabelReader(service.name, group, name), context),
  );
  return {
    routes: parsed.flatMap(({ routed }) => routed),
    problems: [
      ...problems,
      ...limited.problems,
      ...ignoredLabels(service),
      ...parsed.flatMap((group) => group.problems),
    ],
  };
}

function parseGroup(service: SwarmService, reader: LabelReader, surroundings: ServiceContext) {
  const serviceCluster = reader.readOr(labels.service_cluster, '');
  const context = inCluster(serviceCluster, surroundings);
  addGivenLabels(reader, service, context.cluster);
  const isDefault = reader.read(labels.default_backend) ?? false;
  const hosts = readHosts(reader, isDefault);
  const path = reader.readOr(labels.context_root, '');
  const redirects = readRedirects(reader, hosts);
  const options = readOptions(reader, service, context, path);
  const port = readPort(reader);
  const onHost = usesHostPorts(reader, service, context);
  if (onHost && port !== undefined) requireHostPort(reader, service, port);
  const network = onHost ? undefined : readNetwork(reader, service, context);
  const issuer = readIssuer(reader, { hosts, isDefault }, context);
  const tls = readTls(reader, service, hosts, context, issuer !== undefined);
  refuseUnprotected(reader, tls, options);
  const mode = readMode(reader, service, options);
  const maintenance = readMaintenance(reader);
  const limits = { maxFails: reader.read(labels.max_fails), failTimeout: reader.read(labels.fail_timeout) };
  const nowhere = hosts.length === 0 && !isDefault;
  // If a cluster or path label is invalid, it is unknown where the 503 belongs: the route is then in no table.
  if (nowhere || path === undefined || serviceCluster === undefined)
    return { routed: [], problems: listRoutes(reader.problems, { hosts, isDefault, path }) };
  const reachable =
    reader.closed || port === undefined
      ? []
      : onHost
        ? hostPeers(service, port, context)
        : namedPeers(reader, service, network, mode, port);
  const peers = reachable.map((peer) => ({ ...peer, ...limits }));
  const backend: Backend = peers.length === 0 ? { kind: 'unavailable' } : { kind: 'peers', peers };
  const { id, name, createdAt } = service;
  const route: Route = {
    service: { id, name, createdAt },
    hosts,
    isDefault,
    path,
    ...redirects,
    options,
    tls: reader.closed ? closed(tls) : tls,
    backend,
    maintenance,
    ...labelsOf(reader, options, tls),
  };
  const peerCount = mode === 'vip' ? 1 : wantedTasks(service, context.nodeCount);
  const networkId = backend.kind === 'peers' ? network?.id : undefined;
  const virtualAddress = virtualAddressOf(service, networkId);
  const routed = {
    route,
    stack: stackOf(service),
    serviceCluster,
    networkId,
    virtualAddress,
    ...askingNetwork(options, network),
    peerCount,
    secrets: [...new Set([...secretsIn({ tls, options }), ...context.namedSecrets])],
  };
  const parts = divide(routed, issuer, reader, context);
  return { routed: parts, problems: listRoutes(reader.problems, { hosts, isDefault, path }) };
}

/** The network over which the proxies may ask an authenticator. */
function askingNetwork({ forwardAuth }: RouteOptions, network: SwarmNetwork | undefined) {
  return forwardAuth && network ? { askingNetworkId: network.id } : {};
}

function divide(
  routed: RoutedService,
  issuer: Issuer | undefined,
  reader: LabelReader,
  context: GroupContext,
): RoutedService[] {
  if (issuer === undefined) return closeUncovered(routed, reader, context);
  return withCertificates(routed, issuer, reader, context);
}

function inCluster(serviceCluster: string | undefined, surroundings: ServiceContext): GroupContext {
  return {
    ...surroundings,
    material: materialOf(serviceCluster, surroundings.material),
    cluster: surroundings.clusters.get(serviceCluster ?? ''),
    read: surroundings.material.read?.get(serviceCluster ?? ''),
    namedSecrets: [],
  };
}

function virtualAddressOf({ virtualAddresses = {} }: SwarmService, networkId: string | undefined): string | undefined {
  return networkId === undefined ? undefined : virtualAddresses[networkId];
}

/** Fills in the routes of shared causes: all of the group, unless the problem names some. */
function listRoutes(
  problems: readonly Problem[],
  { path = '', ...names }: Pick<Route, 'hosts' | 'isDefault'> & { readonly path: string | undefined },
): Problem[] {
  const routes = routeNames({ ...names, path });
  return problems.map((problem) => {
    const [affected] = problem.affects ?? [];
    if (affected === undefined || affected.routes.length > 0) return problem;
    return { ...problem, affects: [{ ...affected, routes }] };
  });
}

function labelsOf(reader: LabelReader, options: RouteOptions, tls: Tls): Pick<Route, 'labels'> {
  const { group } = reader;
  const deciding = decidingLabels(reader, options, tls);
  const given = givenValues(reader);
  if (group === '' && Object.keys(deciding).length === 0 && given.length === 0) return {};
  return { labels: { group, deciding, ...(given.length === 0 ? {} : { given }) } };
}

function givenValues({ entries }: LabelReader): GivenValue[] {
  return [...entries]
    .flatMap(([name, { label: key, value, from }]) =>
      from === undefined ? [] : [{ name, value: shownValue(value), key, from }],
    )
    .toSorted((a, b) => compareText(a.name, b.name));
}

function decidingLabels(reader: LabelReader, { affinity }: RouteOptions, tls: Tls): Deciding {
  const written = (...names: readonly LabelName[]) => names.find((name) => reader.has(name));
  const decided: [keyof Deciding, LabelName | undefined][] = [
    ['protocol', written('backend_protocol', 'ssl_backend')],
    ['affinity', affinity.kind === 'address' ? 'ip_hash' : written('sticky_session_cookie', 'ip_hash')],
    ['backendName', written('ssl_backend_name', 'upstream_host')],
    ['backendCa', written('ssl_backend_tls_verify', 'ssl_backend_ca')],
    ['clientCertificate', written('ssl_client_verify', 'ssl_client_ca')],
    ['tls', tls.kind === 'passthrough' ? 'ssl_passthrough' : written('ssl_cert', 'ssl_key', 'acme')],
  ];
  return Object.fromEntries(decided.filter(([, name]) => name !== undefined));
}

/** Hosts that the certificate does not cover are closed; the others stay. */
function closeUncovered(routed: RoutedService, reader: LabelReader, { material }: ServiceContext): RoutedService[] {
  const { route } = routed;
  if (route.tls.kind !== 'terminated') return [routed];
  const hosts = uncoveredHosts(route.tls.certificate, route.hosts, material);
  if (hosts.length === 0) return [routed];
  const { severity, reason, remedy } = uncovered(route.tls.certificate);
  const names = routeNames({ hosts, isDefault: false, path: route.path });
  reader.noteShared(severity, labels.ssl_cert, reason, remedy, names);
  const covered = { ...route, hosts: route.hosts.filter((host) => !hosts.includes(host)) };
  const isLeft = covered.hosts.length > 0 || route.isDefault;
  return [
    ...(isLeft ? [{ ...routed, route: covered }] : []),
    { ...routed, route: shut(route, hosts), networkId: undefined },
  ];
}

function readHosts(reader: LabelReader, isDefault: boolean): Host[] {
  const entries = reader.read(labels.hosts) ?? [];
  const hosts: Host[] = [];
  for (const { text, host } of entries) {
    if (typeof host !== 'string') hosts.push(host);
    else reader.note('error', labels.hosts, `${JSON.stringify(text)} ${host}`, remedyForHost(text));
  }
  if (entries.length === 0 && !isDefault) {
    reader.note(
      'error',
      labels.hosts,
      'is missing',
      `Set it to the host names of the service, for example ${labels.hosts.example}.`,
    );
  }
  return [...new Map(hosts.map((host) => [`${host.kind} ${host.name}`, host])).values()];
}

function remedyForHost(text: string): string {
  if (!text.startsWith('~')) return `Write host names, for example ${labels.hosts.example}.`;
  return String.raw`Use literals, classes, groups and repetitions. A repeated class should exclude the character that follows it, as in ~^[a-z0-9-]+\.example\.org$.`;
}

function readRedirects(
  reader: LabelReader,
  hosts: readonly Host[],
): Pick<Route, 'redirects' | 'pathRedirects' | 'canonicalHost'> {
  const entries = reader.read(labels.redirects) ?? [];
  for (const { text } of entries.filter(({ redirect }) => redirect === undefined).slice(0, MOST_NOTED))
    reader.refuse(labels.redirects, `holds ${JSON.stringify(text)}, which is not ${REDIRECT_FORM}`);
  const redirects = entries.flatMap(({ redirect }) => redirect ?? []);
  const own = new Set(hosts.filter(({ kind }) => kind === 'exact').map(({ name }) => name));
  for (const { host } of redirects.filter(({ host }) => !own.has(host)).slice(0, MOST_NOTED)) {
    reader.note(
      'error',
      labels.redirects,
      `redirects ${host}, which is not one of the hosts`,
      `Add ${host} to the hosts.`,
    );
  }
  const { ofHosts, ofPaths } = divideRedirects(redirects.filter(({ host }) => own.has(host)));
  if (ofPaths.length > MOST_PATH_REDIRECTS)
    reader.note('error', labels.redirects, `has more than ${MOST_PATH_REDIRECTS} with paths`, 'Remove some of them.');
  const canonicalHost = readCanonicalHost(reader, hosts);
  return {
    redirects: ofHosts,
    ...(ofPaths.length > 0 ? { pathRedirects: ofPaths.slice(0, MOST_PATH_REDIRECTS) } : {}),
    ...(canonicalHost === undefined ? {} : { canonicalHost }),
  };
}

/** Each length of a path needs text in the main file. */
const MOST_PATH_REDIRECTS = 50;

function readCanonicalHost(reader: LabelReader, hosts: readonly Host[]): string | undefined {
  const name = reader.read(labels.canonical_host);
  if (name === undefined || hosts.some((host) => host.kind === 'exact' && host.name === name)) return name;
  reader.note('error', labels.canonical_host, 'is not one of the hosts', `Add ${name} to the hosts.`);
  return undefined;
}

/** A label may have thousands of errors, but a service's problems are limited anyway. */
const MOST_NOTED = 100;

function readOptions(reader: LabelReader, service: SwarmService, context: GroupContext, path = ''): RouteOptions {
  const rewrite = reader.read(labels.context_root_rewrite) ?? false;
  const sslOnly = reader.read(labels.ssl_only) ?? false;
  reader.read(labels.websocket_endpoints);
  const sslBackend = reader.read(labels.ssl_backend) ?? false;
  const protocol = reader.read(labels.backend_protocol) ?? (sslBackend ? 'https' : 'http');
  if (rewrite && protocol.startsWith('grpc')) {
    reader.note(
      'warning',
      labels.context_root_rewrite,
      'is not supported for gRPC, whose methods are in the path',
      'Remove it.',
    );
  }
  const features = readFeatures(reader, {
    service,
    isGrpc: protocol.startsWith('grpc'),
    strippedPath: rewrite && !protocol.startsWith('grpc') ? path : '',
    cluster: context.cluster,
    readSecret(definition, judge) {
      const name = readSecret(reader, definition, service, context);
      if (name !== undefined)
        for (const verdict of judge?.(name, context.material) ?? []) complain(reader, definition, verdict);
      return name;
    },
  });
  return {
    rewrite,
    sslOnly,
    protocol,
    backendCa: readBackendCa(reader, protocol, service, context),
    backendName: reader.read(labels.ssl_backend_name) ?? backendNameOf(protocol, features),
    clientCertificate: readClientCertificate(reader),
    affinity: readAffinity(reader),
    ...features,
  };
}

/** A service that is asked for another host presents that host's certificate. */
function backendNameOf(protocol: BackendProtocol, { upstreamHost }: FeatureOptions): string {
  if (upstreamHost === undefined || (protocol !== 'https' && protocol !== 'grpcs')) return '';
  return upstreamHost.host.replace(/:\d+$/, '');
}

function readBackendCa(
  reader: LabelReader,
  protocol: BackendProtocol,
  service: SwarmService,
  context: GroupContext,
): SecretRef | '' {
  const isNamed = reader.has('ssl_backend_ca');
  const isRequired = reader.readOr(labels.ssl_backend_tls_verify, isNamed);
  const ca = isNamed ? readAuthority(reader, labels.ssl_backend_ca, service, context) : undefined;
  // One of them is invalid, so the route is closed.
  if (isRequired === undefined || (isNamed && ca === undefined)) return '';
  if (!isRequired) {
    if (isNamed)
      reader.note(
        'warning',
        labels.ssl_backend_ca,
        'is ignored: ssl_backend_tls_verify is none',
        'Remove one of the two labels.',
      );
    return '';
  }
  if (ca === undefined)
    reader.refuse(
      labels.ssl_backend_tls_verify,
      'is required without a CA',
      'Name the secret with the CA in ssl_backend_ca.',
    );
  if (protocol !== 'https' && protocol !== 'grpcs') {
    const remedy = 'Set ssl_backend to true.';
    if (reader.has('ssl_backend_tls_verify'))
      reader.refuse(
        labels.ssl_backend_tls_verify,
        `is required, but the service is reached over ${protocol}, without TLS`,
        remedy,
      );
    else reader.refuse(labels.ssl_backend_ca, `requires TLS to the service, but the protocol is ${protocol}`, remedy);
  }
  return ca ?? '';
}

function readClientCertificate(reader: LabelReader): ClientCertificate {
  const wanted = reader.readOr(labels.ssl_client_verify, 'required');
  if (reader.has('ssl_client_ca')) return wanted ?? 'required';
  if (reader.has('ssl_client_verify') && wanted !== undefined)
    reader.refuse(labels.ssl_client_verify, 'is set without a CA', 'Name the secret with the CA in ssl_client_ca.');
  return 'none';
}

function readTls(
  reader: LabelReader,
  service: SwarmService,
  hosts: readonly Host[],
  context: GroupContext,
  isOrdered: boolean,
): Tls {
  const passthrough = reader.read(labels.ssl_passthrough) ?? false;
  const proxyProtocol = reader.read(labels.ssl_passthrough_proxy_protocol) ?? false;
  const hsts = reader.read(labels.hsts) ?? '';
  const isTerminated = !passthrough && (isOrdered || reader.has('ssl_cert') || reader.has('ssl_key'));
  const clientCa = readClientCa(reader, isTerminated, service, context);
  if (isOrdered)
    return clientCa === undefined
      ? { kind: 'closed' }
      : { kind: 'terminated', certificate: '', key: '', isStapled: false, hsts, clientCa };
  if (isTerminated) {
    const material = readMaterial(reader, service, hosts, context);
    return material && clientCa !== undefined
      ? { kind: 'terminated', ...material, hsts, clientCa }
      : { kind: 'closed' };
  }
  if (!passthrough) return { kind: 'none', ...(hsts === '' ? {} : { hsts }) };
  noteUnusedMaterial(reader);
  return { kind: 'passthrough', proxyProtocol };
}

/** The proxies cannot read requests inside connections that they pass on. */
function refuseUnprotected(reader: LabelReader, tls: Tls, options: RouteOptions): void {
  if (tls.kind !== 'passthrough') return;
  const reason = 'cannot protect the service: with ssl_passthrough, the proxies do not see requests over TLS';
  const remedy = 'Let the proxies terminate TLS with ssl_cert, or remove one of the two labels.';
  for (const name of protectingLabels(options)) reader.refuse(labels[name as keyof typeof labels], reason, remedy);
}

function noteUnusedMaterial(reader: LabelReader): void {
  const written = [labels.ssl_cert, labels.ssl_key].find(({ name }) => reader.has(name as LabelName));
  if (written === undefined) return;
  const reason = 'is ignored: with ssl_passthrough, the service terminates TLS';
  reader.note('warning', written, reason, 'Remove one of the two labels.');
}

function readMaterial(
  reader: LabelReader,
  service: SwarmService,
  hosts: readonly Host[],
  context: GroupContext,
): Pick<Terminated, 'certificate' | 'key' | 'isStapled'> | undefined {
  const certificate = readSecret(reader, labels.ssl_cert, service, context);
  const key = reader.has('ssl_key') ? readSecret(reader, labels.ssl_key, service, context) : certificate;
  if (!reader.has('ssl_cert') && key !== undefined)
    reader.refuse(labels.ssl_cert, 'is missing beside ssl_key', 'Name the secret with the certificate.');
  if (certificate === undefined || key === undefined) return undefined;
  const verdicts = judgeServer(certificate, key, context.material);
  const isBad = verdicts.some(({ severity }) => severity === 'error');
  const wanted = { certificate, key };
  const serving = isBad || isUnread(wanted, context) ? (standIn(service, hosts, context) ?? wanted) : wanted;
  for (const verdict of verdicts) {
    const definition = verdict.part === 'key' && reader.has('ssl_key') ? labels.ssl_key : labels.ssl_cert;
    if (serving === wanted) complain(reader, definition, verdict);
    else noteStandIn(reader, definition, verdict, serving);
  }
  return { ...serving, isStapled: isStapled(serving.certificate, serving.key, context.material) };
}

/** No job has read them for the proxies yet. */
function isUnread({ certificate, key }: Pair, { read, secrets }: GroupContext): boolean {
  return read !== undefined && [certificate, key].some((name) => !read.has(secrets.get(name)?.id ?? ''));
}

function standIn({ name: service }: SwarmService, hosts: readonly Host[], context: GroupContext): Pair | undefined {
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
  { severity, reason, remedy }: Verdict,
  { certificate }: Pair,
): void {
  reader.noteShared(
    severity,
    definition,
    reason,
    `${remedy} Until then, the certificate in secret ${certificate} serves.`,
  );
}

/** '' if client certificates are not requested, undefined if the label is invalid. */
function readClientCa(
  reader: LabelReader,
  isTerminated: boolean,
  service: SwarmService,
  context: GroupContext,
): SecretRef | undefined {
  if (!reader.has('ssl_client_ca')) return '';
  const ca = readAuthority(reader, labels.ssl_client_ca, service, context);
  if (ca !== undefined && !isTerminated)
    reader.refuse(
      labels.ssl_client_ca,
      'requires TLS termination in the proxies, which ssl_cert enables',
      'Name the secret with the certificate in ssl_cert, and remove ssl_passthrough.',
    );
  return ca;
}

function readAuthority(
  reader: LabelReader,
  definition: LabelDefinition<string>,
  service: SwarmService,
  context: GroupContext,
): SecretRef | undefined {
  const name = readSecret(reader, definition, service, context);
  if (name === undefined) return undefined;
  for (const verdict of judgeAuthority(name, context.material)) complain(reader, definition, verdict);
  return name;
}

function complain(reader: LabelReader, definition: LabelDefinition<string>, verdict: Verdict): void {
  const { severity, reason, remedy } = verdict;
  reader.noteShared(severity, definition, reason, remedy);
  if (severity === 'error') reader.closed = true;
}

/** Names are accepted with and without the prefix of the stack. */
function readSecret(
  reader: LabelReader,
  definition: LabelDefinition<string>,
  { name: service, labels: all }: SwarmService,
  { secrets, secretUse, namedSecrets }: GroupContext,
): string | undefined {
  const wanted = reader.read(definition);
  if (wanted === undefined) return undefined;
  const accepted = [wanted, `${all['com.docker.stack.namespace']}_${wanted}`];
  const found = accepted.flatMap((name) => secrets.get(name) ?? [])[0];
  if (found !== undefined) {
    const verdict = judgeUse(found, secretUse, service);
    if (verdict !== undefined) complain(reader, definition, verdict);
    if (verdict?.severity === 'error') return undefined;
    namedSecrets.push(found.name);
    return found.name;
  }
  const similar = byName([...secrets.values()], accepted, { ignoreCase: true });
  complain(reader, definition, missingSecret(wanted, similar?.name));
  return undefined;
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
      'is ignored: sticky_session_cookie takes precedence',
      'Remove one of the two labels.',
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
      'Use task, or set the endpoint mode to vip.',
    );
    return 'task';
  }
  if (mode === 'vip' && affinity.kind !== 'none') {
    reader.note('warning', labels.backend_mode, 'is vip, so sticky sessions have no effect', 'Use task.');
  }
  return mode;
}

function readMaintenance(reader: LabelReader): Maintenance | undefined {
  const allow = reader.read(labels.maintenance_allow) ?? [];
  return reader.read(labels.maintenance) ? { allow } : undefined;
}

function readPort(reader: LabelReader): number | undefined {
  if (!reader.has('port'))
    reader.refuse(labels.port, 'is missing', 'Set it to the container port that receives the requests.');
  return reader.read(labels.port);
}

/**
 * The right network or a clear problem, never an arbitrary network. Names are accepted with and without the prefix of the stack. With a single
 * network, an unknown name falls back to that one with a problem, as in Interlock.
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
      'has no network: the service is not attached to an overlay network',
      'Attach the service to an overlay network.',
    );
    return undefined;
  }
  const wanted = reader.read(labels.network);
  if (wanted === undefined) {
    if (attached.length === 1) return only;
    const mesh = hasHrmLabels(service.labels) && !reader.has('network') ? meshNetwork(attached) : undefined;
    if (mesh !== undefined) return mesh;
    if (!reader.has('network'))
      reader.refuse(labels.network, 'is missing, and the service has several networks', `Name one of: ${names}.`);
    return undefined;
  }
  const stack = service.labels['com.docker.stack.namespace'];
  const accepted = [wanted, `${stack}_${wanted}`];
  const found = byName(attached, accepted);
  if (found) return found;
  const similar = byName(attached, accepted, { ignoreCase: true });
  if (similar) {
    reader.note(
      'warning',
      labels.network,
      `differs in upper and lower case from the network ${similar.name}, which is used`,
      `Name it ${similar.name}.`,
    );
    return similar;
  }
  if (attached.length > 1) {
    reader.refuse(labels.network, 'is not a network of the service', `Name one of: ${names}.`);
    return undefined;
  }
  reader.note(
    'warning',
    labels.network,
    `is not a network of the service; its only network, ${only.name}, is used`,
    `Set it to ${only.name}, or remove the label.`,
  );
  return only;
}

/** The first of the names that exists. Swarm has no two networks or secrets whose names differ only in case. */
function byName<T extends { readonly name: string }>(
  objects: readonly T[],
  names: readonly string[],
  { ignoreCase = false } = {},
): T | undefined {
  const fold = (name: string) => (ignoreCase ? name.toLowerCase() : name);
  const find = (wanted: string) => objects.find(({ name }) => fold(name) === fold(wanted));
  return names.map(find).find((object) => object !== undefined);
}

/** The HTTP Routing Mesh reached services over its own network or over others labeled for it. */
function meshNetwork(attached: readonly SwarmNetwork[]): SwarmNetwork | undefined {
  const labelled = attached.filter(({ isMesh }) => isMesh);
  const own = (labelled.length > 0 ? labelled : attached).find(({ name }) => name === HRM_NETWORK);
  return own ?? (labelled.length === 1 ? labelled[0] : undefined);
}

/**
 * Proxies reject configurations with names on the control network. Names on a network with the same ending look like
 * that.
 */
function isControlNetwork({ name }: SwarmNetwork): boolean {
  return name === controlNetwork || name.endsWith(`.${controlNetwork}`);
}

/**
 * Tasks are followed through Docker's DNS: `tasks.<service>.<network>` lists every healthy task. The network in the name prevents old engines from
 * answering with another network's addresses. A service without tasks must be rendered as 503: its last addresses may belong to another service by
 * now.
 */
function namedPeers(
  reader: LabelReader,
  service: SwarmService,
  network: SwarmNetwork | undefined,
  mode: string,
  port: number,
): Peer[] {
  if (network === undefined || wantedTasks(service, 1) === 0) return [];
  if (isControlNetwork(network)) {
    const remedy = 'Attach the service to another overlay network, and set the label to it.';
    reader.refuse(labels.network, `refers to ${shownValue(network.name)}, a network reserved for Signalbox`, remedy);
    return [];
  }
  const isVirtual = mode === 'vip';
  const name = `${service.name}.${network.name}`;
  const address = isVirtual ? name : `tasks.${name}`;
  // Docker's DNS compares names of services case-insensitively.
  const exactCase = hasUpperCase(network.name);
  if (!fitsDns(exactCase ? encodeCase(address) : address)) {
    reader.refuse(
      labels.network,
      `results in the name ${shownValue(address)}, which is too long for DNS`,
      'Give the service or the network a shorter name.',
    );
    return [];
  }
  const peer: Peer = { address, port, resolve: true, ...(exactCase ? { exactCase } : {}) };
  return [isVirtual ? { ...peer, virtual: true } : peer];
}

/**
 * A service that publishes its port on its nodes is reached at the addresses of the nodes and requires no overlay network. A name of a network that
 * exists only on a node selects this too, next to an overlay network.
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
    'is not published on the nodes, which is how the proxies reach the service',
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
