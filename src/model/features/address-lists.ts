import { z } from 'zod';
import { digest } from '../../lib/digest.ts';
import { listed } from '../../lib/words.ts';
import { isNetwork, MOST_NETWORKS, sortNetworks, toGeo } from '../allow-list.ts';
import { label, splitList } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { LabelName } from '../labels/labels.ts';
import { nearest } from '../labels/nearest.ts';
import { shownValue } from '../problem.ts';
import { type Definition, feature, type Surroundings } from './feature.ts';
import { NEEDS_ADDRESSES } from './limit-keys.ts';

/** Client addresses. An empty list denies or allows nobody; a list that is absent decides nothing. */
interface AddressLists {
  readonly allow?: readonly string[] | undefined;
  readonly deny?: readonly string[] | undefined;
}

const entries = z
  .string()
  .transform(splitList)
  .superRefine((written, context) => {
    const wrong = written.find((entry) => !/^@[\w.-]{1,64}$/.test(entry) && !isNetwork(entry));
    if (wrong !== undefined)
      context.addIssue(`contains ${shownValue(wrong)}, which is not an address, a network or a list such as @office`);
    if (written.length === 0) context.addIssue('is empty');
    if (written.length > MOST_NETWORKS) context.addIssue(`has more than ${MOST_NETWORKS} entries`);
  });

const common = {
  policy: 'protective',
  type: 'list of addresses, networks and `@<list>`, separated by commas',
  default: '',
  schema: entries,
} as const;
const allow = label({
  ...common,
  name: 'allow',
  example: '10.20.0.0/16, @office',
  description: `Only these client addresses reach the service. All others receive 403. \`@office\` is a list in the settings: \`[Lists]\`. ${NEEDS_ADDRESSES}`,
});
const deny = label({
  ...common,
  name: 'deny',
  example: '203.0.113.0/24',
  description: `These client addresses receive 403, even if \`allow\` contains them. ${NEEDS_ADDRESSES}`,
});

const networks = z.array(z.string().refine(isNetwork)).max(100 * MOST_NETWORKS);

export const addressLists = feature({
  labels: { allow, deny },
  read(reader, surroundings): AddressLists | undefined {
    const written = [allow, deny].filter(({ name }) => reader.has(name as LabelName));
    const [first] = written;
    if (first === undefined) return undefined;
    if (surroundings.cluster?.hidesAddresses)
      reader.refuse(
        first,
        'has no effect: the routing mesh hides client addresses from the proxies',
        'Set PublishMode to "host", or ProxyProtocolFrom or TrustedProxies if a balancer is in front.',
      );
    return { allow: readList(reader, allow, surroundings), deny: readList(reader, deny, surroundings) };
  },
  message: z.object({ allow: networks.optional(), deny: networks.optional() }),
  conflict: 'allow',
  stage: 'entry',
  explain: ({ allow, deny }) => ({
    deny: deny?.length ? `Clients from ${listed(deny)} receive 403.` : undefined,
    allow: allow && explainAllow(allow),
  }),
  protection: ({ allow, deny }) => [allow ?? null, deny ?? []],
  bytes: () => 140,
  partial: 'address-lists',
  checks: true,
  view: ({ allow, deny }) => ({ allow: allow && variableOf('allow', allow), deny: deny && variableOf('deny', deny) }),
  definitions: ({ allow, deny }) => [...definition('allow', allow), ...definition('deny', deny)],
});

function explainAllow(allow: readonly string[]): string {
  if (allow.length === 0) return 'No client is admitted: all receive 403.';
  return `Only clients from ${listed(allow, 'or')} are admitted; others receive 403.`;
}

function readList(
  reader: LabelReader,
  definition: typeof allow,
  { cluster }: Surroundings,
): readonly string[] | undefined {
  const written = reader.read(definition);
  if (written === undefined) return undefined;
  const listed = written.flatMap((entry) => {
    if (!entry.startsWith('@')) return [entry];
    const list = cluster?.lists.get(entry.slice(1));
    if (list !== undefined) return list;
    const guess = nearest(entry.slice(1), [...(cluster?.lists.keys() ?? [])]);
    const remedy = guess === undefined ? `Add it to [Lists] in the settings.` : `Did you mean @${guess}?`;
    reader.refuse(definition, `names the list ${entry}, which is not in the settings`, remedy);
    return [];
  });
  return sortNetworks(listed);
}

function variableOf(kind: 'allow' | 'deny', list: readonly string[]): string {
  return `${kind}_${digest(list.join())}`;
}

function definition(kind: 'allow' | 'deny', list: readonly string[] | undefined): readonly Definition[] {
  if (list === undefined) return [];
  const variable = variableOf(kind, list);
  const bytes = 100 + list.reduce((sum, entry) => sum + entry.length + 15, 0);
  return [
    {
      key: variable,
      bytes,
      partial: 'define-address-list',
      variable,
      networks: toGeo(list),
      isAllowed: kind === 'allow',
    },
  ];
}
