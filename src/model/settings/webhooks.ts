import { z } from 'zod';
import type { Problem } from '../problem.ts';
import { type KeyValues, key, secretName } from './keys.ts';
import { isTable, lowerKeys, readTable, settingsProblem, type Table } from './table.ts';

const severities = ['error', 'warning', 'notice'] as const;

export const webhookKeys = {
  UrlSecret: key(
    secretName,
    '',
    'Docker secret with the URL, `https://…` or `http://…`. Required. Anyone who knows the URL of a chat can usually write to it, so it is not a setting itself.',
  ),
  SigningSecret: key(
    secretName,
    '',
    'Docker secret with a key for the signature of each request: see [webhooks](guides/monitoring.md#webhooks). By default, requests are not signed.',
  ),
  Format: key(
    z.enum(['json', 'slack'], 'is not json or slack'),
    'json',
    'Body of the requests: `json`, or `slack` for Slack, Mattermost, Rocket.Chat and others that accept its format.',
  ),
  Severities: key(
    z.array(z.enum(severities, 'is not error, warning or notice')).min(1, 'is empty'),
    ['error'],
    'Severities of the problems that are sent: `error`, `warning`, `notice`.',
  ),
};

/** One `[Webhooks.<name>]` table. */
export interface WebhookSettings extends KeyValues<typeof webhookKeys> {
  readonly name: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
const MOST = 10;

/** A webhook with an error is left out. */
export function parseWebhooks(tables: Table): {
  readonly webhooks: readonly WebhookSettings[];
  readonly problems: readonly Problem[];
} {
  const parsed = Object.entries(tables).map(([name, table], position) => {
    const path = `Webhooks.${name}`;
    if (!NAME.test(name) || !isTable(table))
      return refused(settingsProblem(path, '', 'is not a webhook', 'Write [Webhooks.<name>] with its keys.'));
    if (position >= MOST)
      return refused(settingsProblem(path, '', `is one of more than ${MOST} webhooks`, 'Remove some of them.'));
    const { values, problems } = readTable<KeyValues<typeof webhookKeys>>(lowerKeys(table), webhookKeys, `${path}.`);
    const isMissing = values.UrlSecret === '' && !problems.some(({ label }) => label === `${path}.UrlSecret`);
    const missing = isMissing
      ? [settingsProblem(`${path}.UrlSecret`, '', 'is missing', webhookKeys.UrlSecret.description)]
      : [];
    const all = [...problems, ...missing];
    return { webhooks: all.length === 0 ? [{ ...values, name }] : [], problems: all };
  });
  return {
    webhooks: parsed.flatMap(({ webhooks }) => webhooks),
    problems: parsed.flatMap(({ problems }) => problems),
  };
}

function refused(problem: Problem) {
  return { webhooks: [] as WebhookSettings[], problems: [problem] };
}
