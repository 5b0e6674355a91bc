import type { Problem } from '../../model/problem.ts';
import { asGiven, problemKind } from '../../model/problem-kind.ts';
import type { WebhookSettings } from '../../model/settings/webhooks.ts';
import type { Receiver } from './post.ts';

export const webhookUnusable = problemKind({
  id: 'webhook-unusable',
  severity: 'error',
  meaning: `A secret of a webhook is missing or invalid. Problems are not sent to it.`,
  ...asGiven,
  example: [
    'is not a secret of this swarm',
    'Create the secret, then restart the controller: docker service update --force signalbox_controller.',
  ],
  at: 'Webhooks.ops.UrlSecret "ops-webhook"',
});

export interface UsableWebhook extends Receiver {
  readonly settings: WebhookSettings;
}

type Read = (name: string) => Promise<string | undefined>;

/** Reads the secrets. A webhook is never used without the signature that the settings require. */
export async function readWebhooks(
  webhooks: readonly WebhookSettings[],
  read: Read,
): Promise<{ readonly webhooks: readonly UsableWebhook[]; readonly problems: readonly Problem[] }> {
  const results = await Promise.all(webhooks.map((settings) => readWebhook(settings, read)));
  return {
    webhooks: results.flatMap((result) => ('settings' in result ? result : [])),
    problems: results.flatMap((result) => ('settings' in result ? [] : result.problems)),
  };
}

async function readWebhook(
  settings: WebhookSettings,
  read: Read,
): Promise<UsableWebhook | { readonly problems: readonly Problem[] }> {
  const text = await read(settings.UrlSecret);
  const url = text === undefined ? undefined : toUrl(text);
  const signingKey = settings.SigningSecret === '' ? undefined : await read(settings.SigningSecret);
  const problems: Problem[] = [];
  const report = (key: 'UrlSecret' | 'SigningSecret', reason: string) =>
    problems.push({
      ...webhookUnusable(
        reason,
        'Create the secret, then restart the controller: docker service update --force signalbox_controller.',
      ),
      label: `Webhooks.${settings.name}.${key}`,
      value: settings[key],
    });
  if (text === undefined) report('UrlSecret', 'is not a secret of this swarm');
  else if (url === undefined) report('UrlSecret', 'does not contain a URL with http or https');
  if (settings.SigningSecret !== '' && !signingKey)
    report('SigningSecret', signingKey === '' ? 'is empty' : 'is not a secret of this swarm');
  return url === undefined || problems.length > 0 ? { problems } : { settings, url, signingKey };
}

function toUrl(text: string): URL | undefined {
  const url = URL.parse(text.trim());
  return url !== null && ['http:', 'https:'].includes(url.protocol) ? url : undefined;
}
