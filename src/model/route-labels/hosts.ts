import { z } from 'zod';
import { type Host, parseHost } from '../hosts/host.ts';
import { splitHosts } from '../hosts/host-list.ts';
import { boolean, label } from '../labels/label.ts';
import { invalidLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { shownValue } from '../problem.ts';
import type { Route } from '../route.ts';

export interface HostEntry {
  readonly text: string;
  /** The host, or the error of the entry. */
  readonly host: Host | string;
}

const hostList = z
  .string()
  .transform((value) => splitHosts(value).map((entry) => ({ text: shownValue(entry), host: parseHost(entry) })));

export const hostLabels = {
  hosts: label<HostEntry[]>({
    name: 'hosts',
    policy: 'required',
    type: 'list of hosts, separated by commas',
    default: '',
    example: 'app.example.org, *.apps.example.org',
    description:
      'Host names that the route serves. A host may be a wildcard or, after `~`, a regular expression that runs in linear time ([limits](limits.md#regular-expressions)). `*.example.org` matches subdomains of any depth (`a.example.org`, `a.b.example.org`), but not `example.org`. A certificate for `*.example.org` covers one level only.',
    schema: hostList,
  }),
  default_backend: label({
    name: 'default_backend',
    policy: 'optional',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description: 'Serves requests for hosts that no other service claims. Does not require `hosts`.',
    schema: boolean,
  }),
} as const;

/** The hosts, each once, and whether the route also serves all others. */
export function readHosts(reader: LabelReader): Pick<Route, 'hosts' | 'isDefault'> {
  const isDefault = reader.read(hostLabels.default_backend) ?? false;
  const entries = reader.read(hostLabels.hosts) ?? [];
  const hosts: Host[] = [];
  for (const { text, host } of entries) {
    if (typeof host !== 'string') hosts.push(host);
    else reader.note(hostLabels.hosts, invalidLabel(`${JSON.stringify(text)} ${host}`, remedyForHost(text)));
  }
  if (entries.length === 0 && !isDefault) {
    reader.note(
      hostLabels.hosts,
      invalidLabel('is missing', `Set it to the host names of the service, for example ${hostLabels.hosts.example}.`),
    );
  }
  return { hosts: [...new Map(hosts.map((host) => [`${host.kind} ${host.name}`, host])).values()], isDefault };
}

function remedyForHost(text: string): string {
  if (!text.startsWith('~')) return `Write host names, for example ${hostLabels.hosts.example}.`;
  return String.raw`Use literals, classes, groups and repetitions. A repeated class should exclude the character that follows it, as in ~^[a-z0-9-]+\.example\.org$.`;
}
