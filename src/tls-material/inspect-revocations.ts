import { createSecureContext } from 'node:tls';
import type { RevocationFacts } from '../model/secrets/secret-facts.ts';
import { pemBlocks } from './pem.ts';

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** What follows it. */
  readonly rest: Buffer;
}

const INTEGER = 0x02;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/** Facts about the certificate revocation lists in a file; undefined if it has none. */
export function inspectRevocations(text: string): RevocationFacts | undefined {
  if (!/-----BEGIN X509 CRL-----/.test(text)) return undefined;
  const blocks = pemBlocks(text).filter(({ label }) => label === 'X509 CRL');
  const lists = blocks.map(({ text }) => datesOf(text));
  const read = lists.filter((list) => list !== undefined);
  // One that ends makes the others useless: OpenSSL needs a list of each authority.
  const [first] = read.toSorted((a, b) => (a.until ?? Infinity) - (b.until ?? Infinity));
  return {
    count: read.length,
    isBroken: blocks.length === 0 || read.length < lists.length,
    ...(first && { from: toText(Math.max(...read.map(({ from }) => from))) }),
    ...(first?.until === undefined ? {} : { until: toText(first.until) }),
  };
}

function toText(time: number): string {
  return new Date(time).toISOString();
}

interface Dates {
  readonly from: number;
  /** Absent: it does not end. */
  readonly until?: number;
}

/** Undefined if OpenSSL rejects the list. Node has no function that reads one. */
function datesOf(block: string): Dates | undefined {
  try {
    createSecureContext({ crl: block, ca: [] });
    const der = Buffer.from(block.replaceAll(/^-----.*$/gm, ''), 'base64');
    const [version, ...others] = children(first(first(der).content).content);
    // RFC 5280: version (optional), algorithm, issuer, thisUpdate, nextUpdate (optional).
    const [, , from, until] = version?.tag === INTEGER ? others : [version, ...others];
    const begin = from && timeOf(from);
    const end = until && timeOf(until);
    if (begin === undefined) return undefined;
    return { from: begin, ...(end === undefined ? {} : { until: end }) };
  } catch {
    return undefined;
  }
}

/** The first element of a DER encoding. */
function first(bytes: Buffer): Element {
  const short = bytes.readUInt8(1);
  const size = short < 0x80 ? 0 : short & 0x7f;
  const length = size === 0 ? short : bytes.readUIntBE(2, size);
  const start = 2 + size;
  return {
    tag: bytes.readUInt8(0),
    content: bytes.subarray(start, start + length),
    rest: bytes.subarray(start + length),
  };
}

/** The first few elements; the list of revoked certificates is among the following ones. */
function children(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let left = bytes; left.length > 0 && found.length < 5; ) {
    const element = first(left);
    found.push(element);
    left = element.rest;
  }
  return found;
}

/** `260531120000Z` or `20260531120000Z`; undefined for another element. */
function timeOf({ tag, content }: Element): number | undefined {
  if (tag !== UTC_TIME && tag !== GENERALIZED_TIME) return undefined;
  const text = content.toString('latin1');
  // RFC 5280: two digits from 50 mean the last century.
  const year = tag === UTC_TIME ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(year) ?? [];
  const time = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  if (Number.isNaN(time)) throw new RangeError('not a time');
  return time;
}
