/** Node names an IPv4 address that reaches an IPv6 socket as `::ffff:10.0.0.1`, and adds the interface to link-local ones: `fe80::1%eth0`. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}
