import { MOST_BCRYPT_COST, MOST_SHA_ROUNDS, type UserFacts, type UserFault } from '../model/access/users.ts';

/** Facts about a secret as a list of users, read as nginx reads it. */
export function inspectUsers(content: string): UserFacts {
  const faults = content.split('\n').map((line) => (isIgnored(line) ? 'none' : faultOf(line)));
  const first = faults.findIndex((fault) => fault !== undefined && fault !== 'none');
  const count = faults.filter((fault) => fault === undefined).length;
  return first === -1 ? { count } : { count, fault: { line: first + 1, kind: faults[first] as UserFault } };
}

/** nginx skips comments, and lines that begin with a carriage return. */
function isIgnored(line: string): boolean {
  return line === '' || line.startsWith('#') || line.startsWith('\r');
}

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const APR1 = /^\$apr1\$[^$:]{1,8}\$[./A-Za-z0-9]{22}$/;
const SHA512 = /^\$6\$(?:rounds=(\d{1,9})\$)?[^$:]{1,16}\$[./A-Za-z0-9]{86}$/;

function faultOf(line: string): UserFault | undefined {
  // nginx ends the hash at a colon or a carriage return.
  const [, hash] = /^[\x21-\x39\x3b-\x7e\x80-\xff][\x20-\x39\x3b-\x7e\x80-\xff]*:([^:\r]*)/.exec(line) ?? [];
  if (hash === undefined) return 'separator';
  if (!/^[${]/.test(hash) || hash.startsWith('{PLAIN}')) return 'plain';
  if (!/^\$(?:2[aby]|apr1|6)\$/.test(hash)) return 'scheme';
  const cost = Number(BCRYPT.exec(hash)?.[1] ?? 0);
  const rounds = Number(SHA512.exec(hash)?.[1] ?? 0);
  if (cost > MOST_BCRYPT_COST || rounds > MOST_SHA_ROUNDS) return 'costly';
  return cost >= 4 || APR1.test(hash) || SHA512.test(hash) ? undefined : 'malformed';
}
