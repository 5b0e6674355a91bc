import { ineffectiveLabel } from '../labels/label-problems.ts';
import type { LabelEntry, LabelReader } from '../labels/label-reader.ts';
import { definitionOf, type LabelName } from '../labels/labels.ts';
import { streamLabels } from '../route-labels/streams.ts';

/** The labels that apply to connections. */
const SUPPORTED: ReadonlySet<string> = new Set<LabelName>([
  'tcp_port',
  'udp_port',
  'tcp_tls',
  'tcp_alpn',
  'tcp_proxy_protocol',
  'udp_responses',
  'hosts',
  'ssl_passthrough',
  'port',
  'network',
  'service_cluster',
  'policy',
  'backend_mode',
  'max_fails',
  'fail_timeout',
  'allow',
  'deny',
  'connection_limit',
  'connect_timeout',
  'read_timeout',
  'maintenance',
  'maintenance_allow',
]);

/** Redirects requests. Services that enforce it for HTTP may also be reached by other protocols. */
const OF_REQUESTS: ReadonlySet<string> = new Set<LabelName>(['ssl_only']);

/**
 * Removes the labels that only apply to requests. Those that would protect the service close the route, unless they are
 * defaults of the settings, which every service may change.
 */
export function dropUnsupported(reader: LabelReader): void {
  for (const [name, entry] of reader.entries) {
    if (SUPPORTED.has(name) || OF_REQUESTS.has(name) || isDefault(entry)) continue;
    const definition = definitionOf(name);
    if (definition === undefined) continue;
    const named = { ...definition, name };
    const remedy = 'Remove it. Labels for HTTP belong into a numbered group of their own.';
    if (definition.policy === 'protective') reader.refuse(named, 'cannot protect TCP and UDP connections', remedy);
    else if (entry.from === undefined)
      reader.note(named, ineffectiveLabel('has no effect on TCP and UDP connections', remedy));
  }
  reader.use(new Map([...reader.entries].filter(([name, entry]) => SUPPORTED.has(name) && !isForHttps(name, entry))));
}

/** Reports labels for connections beside a route of requests. */
export function noteStreamLabels(reader: LabelReader): void {
  for (const definition of Object.values(streamLabels)) {
    const entry = reader.entries.get(definition.name);
    if (entry === undefined || entry.from !== undefined) continue;
    const port = definition.name === 'udp_responses' ? 'udp_port' : 'tcp_port';
    reader.note(definition, ineffectiveLabel(`has no effect without ${port}`, `Set ${port}, or remove the label.`));
  }
}

/** nginx waits for a TLS handshake then, which would hold up other protocols. */
function isForHttps(name: string, { from }: LabelEntry): boolean {
  return name === ('ssl_passthrough' satisfies LabelName) && from !== undefined && !from.startsWith('policy ');
}

function isDefault({ from, isEnforced }: LabelEntry): boolean {
  return from !== undefined && isEnforced === undefined && !from.startsWith('policy ');
}
