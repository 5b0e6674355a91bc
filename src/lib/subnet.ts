import { BlockList, isIP } from 'node:net';

/** Whether an address is in a subnet such as `10.1.0.0/16`, or equals an address. Undefined if `subnet` is neither. */
export function isWithin(address: string, subnet: string): boolean | undefined {
  const [, base = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(subnet) ?? [];
  const family = familyOf(base);
  const longest = family === 'ipv6' ? 128 : 32;
  if (family === undefined || Number(prefix ?? 0) > longest) return undefined;
  const list = new BlockList();
  list.addSubnet(base, Number(prefix ?? longest), family);
  const own = familyOf(address);
  return own !== undefined && list.check(address, own);
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 6 ? 'ipv6' : 'ipv4';
}
