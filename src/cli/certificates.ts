import type { CertificateView, RenewalView } from '../controller/admin/certificates.ts';
import { Api, apiOptions } from './api.ts';
import { columns } from './columns.ts';
import { defineCommand } from './command.ts';
import { type ExitCode, exitCodes, type Io, writeJson } from './io.ts';

export const certificates = defineCommand({
  name: 'certificates',
  usage: '[text]',
  summary: 'List certificates: host, secret, issuer, expiry, next renewal, last error.',
  details:
    'Those that are ordered from ACME servers come first, then those in secrets that labels or the settings name. With a text: only certificates whose host, name, secret, issuer or service contains it. Exits with 1 if a certificate is missing, invalid or expired.',
  examples: [
    'signalbox certificates',
    'signalbox certificates app.example.org --json',
    'signalbox certificates --renew app.example.org',
    'signalbox certificates --internal-ca > root.pem',
  ],
  options: {
    'internal-ca': { type: 'boolean', description: 'Print the root certificate of the issuer internal.' },
    renew: {
      type: 'string',
      value: 'host',
      description: 'Order a new certificate for this host now, before it is due. Budgets of the CA still apply.',
    },
    ...apiOptions,
  },
  async run(values, [text = ''], io) {
    const api = await Api.connect(values, io);
    if (values['internal-ca']) {
      io.out(await api.text('/api/internal-ca'));
      return exitCodes.done;
    }
    if (values.renew !== undefined) return renew(values.renew.toLowerCase(), api, io, values.json ?? false);
    const all = (await api.call('GET', '/api/certificates')) as CertificateView[];
    const shown = all.filter((certificate) => matches(certificate, text));
    if (values.json) writeJson(io, shown);
    else io.out(`${columns([HEAD, ...shown.map(row)]).join('\n')}\n`);
    return shown.some(({ status }) => status !== 'valid') ? exitCodes.found : exitCodes.done;
  },
});

async function renew(host: string, api: Api, io: Io, isJson: boolean): Promise<ExitCode> {
  const all = (await api.call('GET', '/api/certificates')) as CertificateView[];
  const ordered = all.filter(({ source }) => source === 'acme');
  const found = ordered.find(({ name }) => name === host) ?? ordered.find(({ hosts }) => hosts.includes(host));
  // The API explains why an unknown name has none.
  const path = `/api/certificates/${encodeURIComponent(found?.name ?? host)}/renewal`;
  const renewal = (await api.call('POST', path)) as RenewalView;
  if (isJson) writeJson(io, renewal);
  else io.out(`The certificate for ${renewal.name} is ordered from ${renewal.at} on\n`);
  return exitCodes.done;
}

const HEAD = ['HOSTS', 'SECRET', 'ISSUER', 'EXPIRES', 'NEXT ORDER', 'PROBLEM'];

function matches({ name, issuer, secret, names, hosts, services }: CertificateView, text: string): boolean {
  return [name, issuer ?? '', secret ?? '', ...names, ...hosts, ...services].some((part) => part.includes(text));
}

function row({
  name,
  source,
  secret,
  hosts,
  issuer,
  notAfter,
  nextAt,
  isOrdering,
  reason,
  notes,
}: CertificateView): string[] {
  const order = source === 'secret' ? '-' : isOrdering ? 'under way' : (nextAt ?? 'now');
  const shown = source === 'acme' ? name : shownHosts(hosts);
  return [shown, secret ?? '-', issuer ?? '-', notAfter ?? 'no certificate', order, reason ?? notes[0]?.reason ?? '-'];
}

function shownHosts([first = '-', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}
