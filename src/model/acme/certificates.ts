import { z } from 'zod';
import { digest } from '../../lib/digest.ts';
import { memoize } from '../../lib/memo.ts';
import { roleLabel } from '../names.ts';
import type { StoredObject } from '../snapshot.ts';
import type { Issuer } from './issuers.ts';

/** Prefix of the secrets with certificates from ACME servers, and of the configs with their state. */
export const ACME_PREFIX = 'signalbox.acme.';
const ACCOUNT_PREFIX = 'signalbox.acme-account.';
const CERTIFICATE_ROLE = 'acme-certificate';
const ACCOUNT_ROLE = 'acme-account';
const LABEL = 'com.signalbox.acme.';

/** A certificate from an ACME server, as the labels of its secret describe it: nobody can read a secret back. */
export interface StoredCertificate {
  readonly id: string;
  /** Name of the secret with chain and key. */
  readonly secret: string;
  readonly issuer: string;
  /** Sorted. */
  readonly names: readonly string[];
  readonly serial: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Identifies it in requests for renewal information (RFC 9773); '' if the CA offers none. */
  readonly ari: string;
  readonly profile: string;
}

const labelsSchema = z.object({
  [roleLabel]: z.literal(CERTIFICATE_ROLE),
  [`${LABEL}issuer`]: z.string().min(1),
  [`${LABEL}names`]: z.string().min(1),
  [`${LABEL}serial`]: z.string(),
  [`${LABEL}not-before`]: z.iso.datetime(),
  [`${LABEL}not-after`]: z.iso.datetime(),
  [`${LABEL}ari`]: z.string().default(''),
  [`${LABEL}profile`]: z.string().default(''),
});

/** All certificates among the secrets, the newest first. */
export const storedCertificates = memoize((secrets: readonly StoredObject[]): readonly StoredCertificate[] =>
  secrets
    .filter(({ name }) => name.startsWith(ACME_PREFIX))
    .flatMap((secret) => readCertificate(secret) ?? [])
    .toSorted((a, b) => b.notBefore - a.notBefore || b.notAfter - a.notAfter || (a.secret < b.secret ? -1 : 1)),
);

function readCertificate({ id, name, labels }: StoredObject): StoredCertificate | undefined {
  const { data } = labelsSchema.safeParse(labels);
  if (data === undefined) return undefined;
  const values = data as Readonly<Record<string, string>>;
  const of = (key: string) => values[LABEL + key]!;
  return {
    id,
    secret: name,
    issuer: of('issuer'),
    names: of('names').split(' ').toSorted(),
    serial: of('serial'),
    notBefore: Date.parse(of('not-before')),
    notAfter: Date.parse(of('not-after')),
    ari: of('ari'),
    profile: of('profile'),
  };
}

export type IssuedCertificate = Omit<StoredCertificate, 'id' | 'secret'>;

/** The labels that describe a certificate. */
export function certificateLabels(certificate: IssuedCertificate): Record<string, string> {
  const { issuer, names, serial, notBefore, notAfter, ari, profile } = certificate;
  return {
    [roleLabel]: CERTIFICATE_ROLE,
    [`${LABEL}issuer`]: issuer,
    [`${LABEL}names`]: names.toSorted().join(' '),
    [`${LABEL}serial`]: serial,
    [`${LABEL}not-before`]: new Date(notBefore).toISOString(),
    [`${LABEL}not-after`]: new Date(notAfter).toISOString(),
    [`${LABEL}ari`]: ari,
    [`${LABEL}profile`]: profile,
  };
}

/** Swarm allows 64 characters. */
const SHOWN_LENGTH = 32;

/** A name that is unique for the certificate and shows its host. */
export function certificateName(name: string, chain: string): string {
  const shown = name
    .replace(/^\*/, '_')
    .replaceAll(/[^a-z0-9_.-]/g, '-')
    .slice(0, SHOWN_LENGTH);
  return `${ACME_PREFIX}${shown}.${digest(chain)}`;
}

/** Whether a secret is a certificate that proxies may mount although its name is reserved. */
export function isAcmeCertificate({ name, labels }: StoredObject): boolean {
  return name.startsWith(ACME_PREFIX) && labels[roleLabel] === CERTIFICATE_ROLE;
}

/** The account key of an issuer: its secret, and the thumbprint that answers challenges. */
export interface StoredAccount {
  readonly id: string;
  readonly secret: string;
  readonly issuer: string;
  /** The directory that the account is for. */
  readonly directory: string;
  readonly thumbprint: string;
}

const accountSchema = z.object({
  [roleLabel]: z.literal(ACCOUNT_ROLE),
  [`${LABEL}issuer`]: z.string().min(1),
  [`${LABEL}directory`]: z.string(),
  [`${LABEL}thumbprint`]: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});

/** By issuer and directory. */
export const storedAccounts = memoize((secrets: readonly StoredObject[]): ReadonlyMap<string, StoredAccount> => {
  const found = secrets
    .filter(({ name }) => name.startsWith(ACCOUNT_PREFIX))
    .flatMap((secret) => readAccount(secret) ?? []);
  return new Map(found.map((account) => [`${account.issuer} ${account.directory}`, account]));
});

export function accountOf(
  { name, Directory }: Pick<Issuer, 'name' | 'Directory'>,
  secrets: readonly StoredObject[],
): StoredAccount | undefined {
  return storedAccounts(secrets).get(`${name} ${Directory}`);
}

function readAccount({ id, name, labels }: StoredObject): StoredAccount | undefined {
  const { data } = accountSchema.safeParse(labels);
  if (data === undefined) return undefined;
  const values = data as Readonly<Record<string, string>>;
  const of = (key: string) => values[LABEL + key]!;
  return { id, secret: name, issuer: of('issuer'), directory: of('directory'), thumbprint: of('thumbprint') };
}

export function accountLabels({ issuer, directory, thumbprint }: Omit<StoredAccount, 'id' | 'secret'>) {
  return {
    [roleLabel]: ACCOUNT_ROLE,
    [`${LABEL}issuer`]: issuer,
    [`${LABEL}directory`]: directory,
    [`${LABEL}thumbprint`]: thumbprint,
  };
}

/** Swarm gives a name once, so two controllers cannot create two keys for one directory. */
export function accountName({ name, Directory }: Pick<Issuer, 'name' | 'Directory'>): string {
  return `${ACCOUNT_PREFIX}${name.slice(0, 22)}.${digest(`${name} ${Directory}`)}`;
}
