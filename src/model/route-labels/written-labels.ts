import type { LabelReader } from '../label-reader.ts';
import type { LabelName } from '../labels.ts';
import { shownValue } from '../problem.ts';
import { compareText, type Deciding, type GivenValue, type Route, type RouteOptions, type Tls } from '../route.ts';

/** What problems of shared routes must know of the labels. */
export function writtenLabels(reader: LabelReader, options: RouteOptions, tls: Tls): Pick<Route, 'labels'> {
  const { group } = reader;
  const deciding = decidingLabels(reader, options, tls);
  const given = givenValues(reader);
  if (group === '' && Object.keys(deciding).length === 0 && given.length === 0) return {};
  return { labels: { group, deciding, ...(given.length === 0 ? {} : { given }) } };
}

function givenValues({ entries }: LabelReader): GivenValue[] {
  return [...entries]
    .flatMap(([name, { label: key, value, from }]) =>
      from === undefined ? [] : [{ name, value: shownValue(value), key, from }],
    )
    .toSorted((a, b) => compareText(a.name, b.name));
}

function decidingLabels(reader: LabelReader, { affinity }: RouteOptions, tls: Tls): Deciding {
  const written = (...names: readonly LabelName[]) => names.find((name) => reader.has(name));
  const decided: [keyof Deciding, LabelName | undefined][] = [
    ['protocol', written('backend_protocol', 'ssl_backend')],
    ['affinity', affinity.kind === 'address' ? 'ip_hash' : written('sticky_session_cookie', 'ip_hash')],
    ['backendName', written('ssl_backend_name', 'upstream_host')],
    ['backendCa', written('ssl_backend_tls_verify', 'ssl_backend_ca')],
    ['clientCertificate', written('ssl_client_verify', 'ssl_client_ca')],
    ['tls', tls.kind === 'passthrough' ? 'ssl_passthrough' : written('ssl_cert', 'ssl_key', 'acme')],
  ];
  return Object.fromEntries(decided.filter(([, name]) => name !== undefined));
}
