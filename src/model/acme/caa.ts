import { plainText } from '../../lib/plain-text.ts';

/** The properties of a CAA record that concern certificates for hosts. */
export interface CaaRecord {
  readonly issue?: string | undefined;
  readonly issuewild?: string | undefined;
}

/** A CA that may issue. */
export interface AllowedIssuer {
  /** Such as `letsencrypt.org`. */
  readonly domain: string;
  /** RFC 8657: challenges that it may use; undefined for all. */
  readonly methods: readonly string[] | undefined;
}

const LONGEST_TEXT = 200;

/** Undefined if no record restricts the issuer. A record without a name allows nobody. */
export function allowedIssuers(records: readonly CaaRecord[], isWildcard: boolean): AllowedIssuer[] | undefined {
  const wild = records.flatMap(({ issuewild }) => issuewild ?? []);
  const plain = records.flatMap(({ issue }) => issue ?? []);
  const chosen = isWildcard && wild.length > 0 ? wild : plain;
  if (chosen.length === 0) return undefined;
  return chosen.map(parseIssuer).filter(({ domain }) => domain !== '');
}

function parseIssuer(value: string): AllowedIssuer {
  const [domain = '', ...parameters] = value.split(';').map((part) => plainText(part, LONGEST_TEXT));
  const methods = parameters
    .map((parameter) => /^validationmethods\s*=\s*(.*)$/i.exec(parameter)?.[1])
    .find((found) => found !== undefined);
  return { domain: domain.toLowerCase(), methods: methods?.split(',').map((method) => method.trim()) };
}
