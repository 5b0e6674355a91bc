import { decidingLabels } from '../features/features.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { LabelName } from '../labels/labels.ts';
import { shownValue } from '../problem.ts';
import { compareText, type Deciding, type GivenValue, type Route, type RouteOptions, type Tls } from '../route.ts';

/** What problems of shared routes must know of the labels. */
export function writtenLabels(reader: LabelReader, options: RouteOptions, tls: Tls): Pick<Route, 'labels'> {
  const { group } = reader;
  const deciding = decidingOf(reader, options, tls);
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

function decidingOf(reader: LabelReader, options: RouteOptions, tls: Tls): Deciding {
  const isSet = (name: string) => reader.has(name as LabelName);
  const ofTls = tls.kind === 'passthrough' ? 'ssl_passthrough' : ['ssl_cert', 'ssl_key', 'acme'].find(isSet);
  return { ...decidingLabels(options, isSet), ...(ofTls === undefined ? {} : { tls: ofTls }) } as Deciding;
}
