/** The type of a scalar in the Docker command line's YAML library: YAML 1.2, with octal numbers, underscores and times of YAML 1.1. */
export type ScalarType = 'string' | 'int' | 'float' | 'bool' | 'null' | 'time';

export interface ResolvedScalar {
  readonly type: ScalarType;
  /** The text of a string, or the string to which Go formats another type. */
  readonly text: string;
}

const BOOLEANS = ['true', 'True', 'TRUE', 'false', 'False', 'FALSE'];
const NULLS = ['', '~', 'null', 'Null', 'NULL'];
const INFINITE = /^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
/** After `T`, a time requires a zone. After a space, it must not have one. */
const TIME =
  /^(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt](?=.*(?:Z|[-+]\d\d:\d\d)$)| (?!.*[Z+-]))(\d\d?):(\d\d?):(\d\d?)(?:\.(\d{1,9}))?(Z|[-+]\d\d:\d\d)?)?$/;
const CORE_TAG = 'tag:yaml.org,2002:';

/** Quoted scalars are strings, unless their tag defines another type. `tag` is undefined for scalars without a tag. */
export function resolveScalar(text: string, isPlain: boolean, tag: string | undefined): ResolvedScalar {
  const isTagged = tag !== undefined && tag !== '!';
  if (isTagged && tag === `${CORE_TAG}binary`) return { type: 'string', text: Buffer.from(text, 'base64').toString() };
  const isText = isTagged ? tag === `${CORE_TAG}str` || !tag.startsWith(CORE_TAG) : !isPlain;
  return isText ? { type: 'string', text } : resolvePlain(text);
}

function resolvePlain(text: string): ResolvedScalar {
  if (NULLS.includes(text)) return { type: 'null', text: '' };
  if (BOOLEANS.includes(text)) return { type: 'bool', text: text.toLowerCase() };
  if (INFINITE.test(text)) return { type: 'float', text };
  return resolveTime(text) ?? resolveNumber(text) ?? { type: 'string', text };
}

/** Accepts octal (`010` or `0o10`), hexadecimal and binary numbers, and underscores. A number too large for an integer is a float. */
function resolveNumber(text: string): ResolvedScalar | undefined {
  if (!/^[-+.\d]/.test(text)) return undefined;
  const plain = text.startsWith('.') ? text : text.replaceAll('_', '');
  const integer = parseInteger(plain);
  if (integer !== undefined) return { type: 'int', text: String(integer) };
  if (!FLOAT.test(plain) || !Number.isFinite(Number(plain))) return undefined;
  return { type: 'float', text: printFloat(Number(plain)) };
}

function parseInteger(text: string): bigint | undefined {
  const [, sign = '', digits = ''] = /^([-+]?)(0[xX][\da-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9]\d*)$/.exec(text) ?? [];
  if (digits === '') return undefined;
  const magnitude = BigInt(/^0\d/.test(digits) ? `0o${digits}` : digits.toLowerCase());
  const value = sign === '-' ? -magnitude : magnitude;
  const largest = sign === '' ? 2n ** 64n - 1n : 2n ** 63n - 1n;
  return value > largest || value < -(2n ** 63n) ? undefined : value;
}

/** Formats like Go: numbers below 1e-04 and from 1e+06 have an exponent of at least two digits. */
function printFloat(value: number): string {
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  const size = Number(exponent);
  const sign = Object.is(value, -0) ? '-' : '';
  if (value === 0 || (size >= -4 && size < 6)) return sign + String(value);
  return `${digits}e${size < 0 ? '-' : '+'}${String(Math.abs(size)).padStart(2, '0')}`;
}

function resolveTime(text: string): ResolvedScalar | undefined {
  const found = TIME.exec(text);
  if (found === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = found;
  const fields = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (!isTime(...fields)) return undefined;
  const [date, clock] = [fields.slice(0, 3), fields.slice(3)].map((part) =>
    part.map((n) => String(n).padStart(2, '0')),
  );
  const part = fraction.replace(/0+$/, '');
  const offset = zone === 'Z' ? '+0000 UTC' : `${zone.replace(':', '')} ${zone.replace(':', '')}`;
  return { type: 'time', text: `${date!.join('-')} ${clock!.join(':')}${part && `.${part}`} ${offset}` };
}

function isTime(year: number, month: number, day: number, hour: number, minute: number, second: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
}
