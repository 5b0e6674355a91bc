import type { Host } from '../../model/hosts/host.ts';

/** nginx refuses to start if a name does not fit into a bucket, and slows down if the table is too small. */
export function namesHash(servers: readonly { readonly host: Host }[]) {
  const longest = servers.reduce((length, { host }) => Math.max(length, host.name.length), 0);
  return {
    bucketSize: powerOfTwo(Math.max(128, longest + 32)),
    maxSize: powerOfTwo(Math.max(1024, servers.length * 2)),
  };
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}
