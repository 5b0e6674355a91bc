import { caddySite } from '../compose/other-routers.ts';
import type { ConvertedService, ForeignLabel, ForeignService, Group, Remark } from './foreign-label.ts';
import { numberGroups } from './number-groups.ts';
import { BY_HAND, needsIssuer } from './remarks.ts';

export function convertCaddy(services: readonly ForeignService[]): ConvertedService[] {
  return services.map(({ name, labels }) => {
    const sites = Map.groupBy(labels, (label) => caddySite(label.name));
    const converted = [...sites].flatMap(([site, own]) => (site === undefined ? [] : convertSite(site, own)));
    return { name, labels: numberGroups(converted), remarks: converted.flatMap(({ remarks }) => remarks) };
  });
}

/** A site while it is read. */
class Reading {
  readonly labels = new Map<string, string>();
  readonly remarks: Remark[] = [];
  /** Something that may protect the service is lost: the site must not be published. */
  isUnprotected = false;

  lose(label: ForeignLabel, reason: string, remedy = BY_HAND): void {
    this.remarks.push({ severity: 'error', label, reason, remedy });
  }

  loseProtection(label: ForeignLabel): void {
    this.isUnprotected = true;
    this.lose(label, 'has no counterpart and may decide who reaches the service: the site is left out');
  }
}

function convertSite(site: string, labels: readonly ForeignLabel[]): Group {
  const reading = new Reading();
  const address = labels.find(({ name }) => name === site);
  // Global options and snippets have no address.
  if (address === undefined || address.value.startsWith('(')) {
    for (const label of labels) reading.lose(label, 'belongs to no site of its own');
    return { labels: new Map(), remarks: reading.remarks };
  }
  readAddress(
    address,
    labels.some(({ name }) => name.startsWith(`${site}.tls`)),
    reading,
  );
  for (const label of labels) if (label !== address) readDirective(label, label.name.slice(site.length + 1), reading);
  if (!reading.labels.has('port') && !reading.isUnprotected)
    reading.lose(address, 'is a site without reverse_proxy', 'Write port by hand.');
  const isUsable = reading.labels.has('port') && !reading.isUnprotected;
  return { labels: isUsable ? reading.labels : new Map(), remarks: reading.remarks };
}

/** `a.example.org, b.example.org`, with or without scheme. Caddy orders certificates unless the scheme is http. */
function readAddress(label: ForeignLabel, hasTls: boolean, reading: Reading): void {
  const addresses = label.value.split(/[\s,]+/).filter((part) => part !== '');
  const plain = addresses.map((address) => address.replace(/^https?:\/\//, ''));
  const odd = plain.find((address) => !/^[^/:]+$/.test(address));
  if (odd !== undefined) {
    reading.isUnprotected = true;
    reading.lose(label, `has the address ${odd}, whose port or path has no counterpart`, 'Write hosts by hand.');
    return;
  }
  reading.labels.set('hosts', plain.join(', '));
  if (addresses.every((address) => address.startsWith('http://'))) return;
  reading.labels.set('ssl_only', 'true');
  if (!hasTls) orderCertificates(label, reading);
}

function orderCertificates(label: ForeignLabel, reading: Reading): void {
  reading.labels.set('acme', 'true');
  reading.remarks.push(needsIssuer(label));
}

const DIRECTIVES: Readonly<Record<string, (reading: Reading, label: ForeignLabel) => void>> = {
  reverse_proxy: readUpstreams,
  tls: (reading, label) => {
    // An e-mail address is the account for ordering certificates.
    if (label.value === 'internal') reading.labels.set('acme', 'internal');
    else if (label.value.includes('@')) orderCertificates(label, reading);
    else reading.lose(label, 'has no counterpart', 'Name a Docker secret with ssl_cert, or an issuer with acme.');
  },
  encode: (reading, { value }) => void (value.includes('gzip') && reading.labels.set('compress', 'gzip')),
  'request_body.max_size': (reading, { value }) =>
    reading.labels.set('max_body_size', value.toLowerCase().replace(/i?b$/, '')),
};

function readDirective(label: ForeignLabel, path: string, reading: Reading): void {
  // Numbers only order the directives.
  const [name = '', ...rest] = path.split('.').map((part) => part.replace(/^\d+_/, ''));
  const known = DIRECTIVES[[name, ...rest].join('.')];
  if (name === 'header') readHeader(label, path.split('.').slice(1).join('.'), reading);
  else if ([name, ...rest].some((part) => PROTECTIVE.test(part))) reading.loseProtection(label);
  else if (['handle_path', 'handle', 'route'].includes(name)) readHandle(label, name, rest, reading);
  else if (known !== undefined) known(reading, label);
  else if (name !== 'log') reading.lose(label, 'has no counterpart');
}

/** Directives and matchers, at any depth, that may reject requests or decide which ones reach the service. */
const PROTECTIVE =
  /^(?:@|basic_?auth|forward_auth|authorize|authenticate|import|abort|respond|error|handle_errors|invoke|client_auth)/;

/** `-Server` or `X-Frame-Options DENY`, with the header's name in the label or in the value. */
function readHeader(label: ForeignLabel, named: string, reading: Reading): void {
  const [header = '', value = ''] = named === '' ? split(label.value) : [named, label.value];
  // The proxies write their own header.
  if (header === '-Server') return;
  if (!/^-?[A-Za-z0-9-]+$/.test(header)) reading.lose(label, 'has no counterpart');
  else if (header.startsWith('-')) reading.labels.set(`response_header.${header.slice(1)}`, '');
  else reading.labels.set(`response_header.${header}`, unquoted(value));
}

/** The first word and the rest. */
function split(text: string): [string, string] {
  const space = text.search(/\s/);
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
}

/** `/api/*` with a single proxy in it. */
function readHandle(label: ForeignLabel, name: string, rest: readonly string[], reading: Reading): void {
  if (rest.length > 0) {
    if (rest.length === 1 && rest[0] === 'reverse_proxy') readUpstreams(reading, label);
    else reading.lose(label, 'has no counterpart');
    return;
  }
  if (!setPath(label.value, reading)) reading.loseProtection(label);
  else if (name === 'handle_path') reading.labels.set('context_root_rewrite', 'true');
}

/** `{{upstreams 8080}}`, `{{upstreams https 8443}}`, after a path or not. */
function readUpstreams(reading: Reading, label: ForeignLabel): void {
  const found = /^(?:(\/\S*)\s+)?\{\{\s*upstreams(?:\s+(https?|h2c))?(?:\s+(\d+))?\s*\}\}$/.exec(label.value);
  const [, path, scheme = 'http', port = '80'] = found ?? [];
  if (found === null || (path !== undefined && !setPath(path, reading))) {
    reading.lose(label, 'does not name the tasks of the service below one path', 'Write port by hand.');
    return;
  }
  reading.labels.set('port', port);
  if (scheme !== 'http') reading.labels.set('backend_protocol', scheme);
}

/** `/api/*`, once in a site. */
function setPath(pattern: string, reading: Reading): boolean {
  const path = /^(\/[^*]*?)\/?\*$/.exec(pattern)?.[1];
  if (path === '/') return true;
  if (path === undefined || reading.labels.has('context_root')) return false;
  reading.labels.set('context_root', path);
  return true;
}

function unquoted(text: string): string {
  return text.trim().replace(/^"(.*)"$/, '$1');
}
