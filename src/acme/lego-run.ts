import type { OrderRequest } from '../protocol/acme-messages.ts';

/** How lego is started: arguments without secrets, and its complete environment. */
export interface LegoRun {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface Places {
  /** lego keeps accounts and results here. */
  readonly folder: string;
  /** lego writes answers of challenges here; nobody reads them: proxies compute them. */
  readonly webroot: string;
  /** Folder of the mounted secrets. */
  readonly secrets: string;
}

/** Secrets that lego takes from its environment. */
interface Credentials {
  readonly hmac: string;
  readonly dns: Readonly<Record<string, string>>;
}

export function legoRun(
  request: OrderRequest,
  { folder, webroot, secrets }: Places,
  { hmac, dns }: Credentials,
): LegoRun {
  const { directory, email, keyType, names, challenge, dnsProvider, profile, preferredChain } = request;
  const solver = challenge === 'dns-01' ? ['--dns', dnsProvider] : ['--http', '--http.webroot', webroot];
  const bound = request.externalAccountKid !== '';
  return {
    args: [
      ...['--path', folder, '--server', directory, '--accept-tos', '--email', email, '--key-type', keyType],
      ...names.flatMap((name) => ['--domains', name]),
      ...solver,
      ...['--user-agent', 'signalbox', 'run'],
      ...(profile === '' ? [] : ['--profile', profile]),
      ...(preferredChain === '' ? [] : ['--preferred-chain', preferredChain]),
    ],
    env: {
      ...dns,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: folder,
      TMPDIR: folder,
      ...(request.ca === '' ? {} : { LEGO_CA_CERTIFICATES: `${secrets}/${request.ca}` }),
      ...(bound ? { LEGO_EAB: 'true', LEGO_EAB_KID: request.externalAccountKid, LEGO_EAB_HMAC: hmac } : {}),
    },
  };
}

/** lego looks for the account's key here. */
export function accountKeyPath({ directory, email }: Pick<OrderRequest, 'directory' | 'email'>): string {
  return `accounts/${new URL(directory).host.replace(':', '_')}/${email}/keys/${email}.key`;
}

/** lego names its results after the first name. */
export function resultName(names: readonly string[]): string {
  return names[0]!.replace('*', '_');
}

/** Variables that would change lego itself, the loader of programs, or what it trusts. */
const REFUSED = /^(?:PATH|HOME|TMPDIR|LEGO_.*|LD_.*|GO.*|SSL_CERT_.*|BASH_.*)$/;

/** `KEY=value` lines, as lego documents them for each provider. Values may be quoted. Throws without their content. */
export function parseCredentials(text: string): Record<string, string> {
  const lines = text.split(/\r?\n/).map((line, position) => ({ text: line.trim(), number: position + 1 }));
  const used = lines.filter((line) => line.text !== '' && !line.text.startsWith('#'));
  return Object.fromEntries(used.map((line) => parseLine(line)));
}

function parseLine({ text, number }: { readonly text: string; readonly number: number }): [string, string] {
  const [, key = '', value = ''] = /^(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=\s*(.*)$/.exec(text) ?? [];
  if (key === '') throw new Error(`line ${number} of the DNS provider's secret is not KEY=value`);
  if (REFUSED.test(key)) throw new Error(`line ${number} of the DNS provider's secret sets ${key}, which is reserved`);
  return [key, value.replace(/^(["'])(.*)\1$/, '$2')];
}
