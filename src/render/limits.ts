import { responseBuffers } from '../model/response-buffers.ts';
import type { NginxSettings } from '../model/settings/keys.ts';
import { bytesOf } from '../model/size.ts';

/** Directives with the limits of all requests, except those set by raw `HTTPOptions`: nginx rejects duplicate directives. */
export function httpLimits(nginx: NginxSettings): string[] {
  const limits = {
    ...responseBuffers(bytesOf(nginx.ResponseHeaderSize) / 1024),
    // nginx warns if these tables are too small, for headers that are set or removed and for variables.
    proxy_headers_hash_max_size: '4096',
    proxy_headers_hash_bucket_size: '128',
    variables_hash_max_size: '4096',
    variables_hash_bucket_size: '128',
    // No response is buffered in a file, because /tmp is memory: a slow client slows down only its own response.
    proxy_max_temp_file_size: '0',
    // If a task has used the complete timeout, no other task is tried.
    proxy_next_upstream_timeout: `${nginx.ReadTimeout}s`,
    grpc_next_upstream_timeout: `${nginx.ReadTimeout}s`,
  };
  return directives(limits).filter((line) => !setsDirective(nginx.HTTPOptions, line.split(' ')[0]!));
}

function directives(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([name, value]) => `${name} ${value};`);
}

/** Whether an administrator's raw options set a directive, which nginx would reject as a duplicate. Comments and values do not count. */
export function setsDirective(options: readonly string[], name: string): boolean {
  const directive = new RegExp(String.raw`(?:^|[;{}])\s*${name}\s`, 'm');
  return options.some((option) => directive.test(option));
}

/** A regular expression for numbers from 0 to `most`, without leading zeros. */
export function numbersUpTo(most: number): string {
  const digits = String(most);
  const shorter = digits.length > 1 ? [String.raw`[1-9]\d{0,${digits.length - 2}}`] : [];
  const sameLength = [...digits].flatMap((digit, position) => {
    const least = position === 0 && digits.length > 1 ? 1 : 0;
    if (Number(digit) <= least) return [];
    const rest = digits.length - position - 1;
    return [`${digits.slice(0, position)}[${least}-${Number(digit) - 1}]${rest > 0 ? String.raw`\d{${rest}}` : ''}`];
  });
  return `~^(?:0|${[...shorter, ...sameLength, digits].join('|')})$`;
}
