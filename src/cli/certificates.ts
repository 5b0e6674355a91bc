import type { CertificateView } from '../controller/admin/certificates.ts';
import { Api, apiOptions } from './api.ts';
import { columns } from './columns.ts';
import { defineCommand } from './command.ts';
import { exitCodes, writeJson } from './io.ts';

export const certificates = defineCommand({
  name: 'certificates',
  usage: '[text]',
  summary: 'List certificates that are ordered from ACME servers: host, issuer, expiry, next renewal, last error.',
  details:
    'With a text: only certificates whose host, issuer or service contains it. Exits with 1 if a certificate is missing or expired.',
  examples: [
    'signalbox certificates',
    'signalbox certificates app.example.org --json',
    'signalbox certificates --internal-ca > root.pem',
  ],
  options: {
    'internal-ca': { type: 'boolean', description: 'Print the root certificate of the issuer internal.' },
    ...apiOptions,
  },
  async run(values, [text = ''], io) {
    const api = await Api.connect(values, io);
    if (values['internal-ca']) {
      io.out(await api.text('/api/internal-ca'));
      return exitCodes.done;
    }
    const all = (await api.call('GET', '/api/certificates')) as CertificateView[];
    const shown = all.filter((certificate) => matches(certificate, text));
    if (values.json) writeJson(io, shown);
    else
      io.out(`${columns([['HOST', 'ISSUER', 'EXPIRES', 'NEXT ORDER', 'LAST ERROR'], ...shown.map(row)]).join('\n')}\n`);
    return shown.some(({ status }) => status !== 'valid') ? exitCodes.found : exitCodes.done;
  },
});

function matches({ name, issuer, hosts, services }: CertificateView, text: string): boolean {
  return [name, issuer, ...hosts, ...services].some((part) => part.includes(text));
}

function row({ name, issuer, notAfter, nextAt, isOrdering, reason }: CertificateView): string[] {
  return [name, issuer, notAfter ?? 'no certificate', isOrdering ? 'under way' : (nextAt ?? 'now'), reason ?? '-'];
}
