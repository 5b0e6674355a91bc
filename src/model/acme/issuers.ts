import { parseHost } from '../hosts/host.ts';
import { type Problem, shownValue } from '../problem.ts';
import { asGiven, problemKind } from '../problem-kind.ts';
import { type AcmeSettings, acmeKeys } from './keys.ts';

export const issuerInvalid = problemKind({
  id: 'acme-issuer-invalid',
  severity: 'error',
  meaning: `A table [Acme.<name>] in the settings is incomplete or contradictory. Its issuer is not used, so no certificates are ordered from it.`,
  ...asGiven,
  example: ['is not true', "Read the CA's terms of service, then set it to true."],
  at: 'Acme.public.AcceptTerms "false"',
});

/** One `[Acme.<name>]` table. */
export interface Issuer extends AcmeSettings {
  /** Name of the table, in lower case. */
  readonly name: string;
}

/** By name. */
export type Issuers = ReadonlyMap<string, Issuer>;

/** Values of the label that do not name an issuer. */
const RESERVED = ['true', 'false', 'yes', 'no', 'internal', 'none'];
const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

type ReadTable = (table: unknown, path: string) => { readonly values: AcmeSettings; readonly problems: Problem[] };

/** An issuer with an error is left out: labels that name it close their hosts. */
export function parseIssuers(
  tables: Readonly<Record<string, unknown>>,
  read: ReadTable,
): { readonly issuers: Issuers; readonly problems: readonly Problem[] } {
  const parsed = Object.entries(tables).map(([written, table]) => {
    const path = `Acme.${written}`;
    const name = written.toLowerCase();
    if (!NAME.test(name) || RESERVED.includes(name) || !isTable(table))
      return {
        issuer: undefined,
        problems: [fault(path, '', 'is not an issuer', 'Write [Acme.<name>] with its keys.')],
      };
    const { values, problems } = read(table, `${path}.`);
    const all = [...problems, ...missing(values, path, problems)];
    return { issuer: all.length === 0 ? { ...values, Wildcards: wildcards(values), name } : undefined, problems: all };
  });
  const issuers = parsed.flatMap(({ issuer }) => issuer ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    issuers: new Map(issuers.map((issuer) => [issuer.name, issuer])),
    problems: parsed.flatMap(({ problems }) => problems),
  };
}

function missing(values: AcmeSettings, path: string, others: readonly Problem[]): Problem[] {
  const { AcceptTerms, Challenge, DnsProvider, Wildcards, ExternalAccountKid, ExternalAccountSecret } = values;
  const found: (Problem | undefined)[] = [
    values.Email === '' ? fault(`${path}.Email`, '', 'is missing', acmeKeys.Email.description) : undefined,
    AcceptTerms
      ? undefined
      : fault(`${path}.AcceptTerms`, 'false', 'is not true', "Read the CA's terms of service, then set it to true."),
    Challenge === 'dns-01' && DnsProvider === ''
      ? fault(`${path}.DnsProvider`, '', 'is missing for dns-01', acmeKeys.DnsProvider.description)
      : undefined,
    Challenge !== 'dns-01' && Wildcards.length > 0
      ? fault(`${path}.Wildcards`, Wildcards.join(', '), 'requires dns-01', 'Set Challenge to "dns-01".')
      : undefined,
    (ExternalAccountKid === '') !== (ExternalAccountSecret === '')
      ? fault(
          `${path}.ExternalAccountKid`,
          ExternalAccountKid,
          'and ExternalAccountSecret belong together',
          'Set both.',
        )
      : undefined,
    ...Wildcards.filter((entry) => wildcardName(entry) === undefined).map((entry) =>
      fault(`${path}.Wildcards`, entry, 'is not a wildcard', 'Write wildcards such as "*.apps.example.org".'),
    ),
  ];
  return found.flatMap((problem) => (problem && !others.some(({ label }) => label === problem.label) ? [problem] : []));
}

function wildcards({ Wildcards }: AcmeSettings): string[] {
  return [...new Set(Wildcards.flatMap((entry) => wildcardName(entry) ?? []))].toSorted();
}

function wildcardName(text: string): string | undefined {
  const host = parseHost(text);
  return typeof host === 'object' && host.kind === 'wildcard' ? host.name : undefined;
}

function isTable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fault(label: string, value: string, reason: string, remedy: string): Problem {
  return { ...issuerInvalid(reason, remedy), label, value: shownValue(value) };
}

/** Secrets that only the service that orders certificates mounts. */
export function issuerSecrets(issuers: Issuers): readonly string[] {
  const named = [...issuers.values()].flatMap(({ Ca, DnsSecret, ExternalAccountSecret }) => [
    Ca,
    DnsSecret,
    ExternalAccountSecret,
  ]);
  return [...new Set(named)].filter((name) => name !== '').toSorted();
}
