import type { Context } from 'hono';
import type { Actor } from '../../model/access/administration.ts';
import { shownValue } from '../../model/problem.ts';
import type { AcmeTask } from '../acme/acme-task.ts';
import type { Administrator } from './administrator.ts';
import type { CertificateView, RenewalView } from './certificates.ts';
import { Refusal } from './problem-details.ts';

export interface RenewalOptions {
  readonly certificates: () => readonly CertificateView[];
  readonly administrator: Pick<Administrator, 'record'>;
  readonly renew: AcmeTask['renew'];
  readonly actor: (context: Context) => Actor;
}

/** Recorded before the order: it cannot be undone. */
export function renewalRoute({ certificates, administrator, renew, actor }: RenewalOptions) {
  return async (context: Context): Promise<Response> => {
    const name = context.req.param('name') ?? '';
    const isOrdered = certificates().some((each) => each.source === 'acme' && each.name === name);
    if (!isOrdered) throw unknown(name);
    await administrator.record(actor(context), `Asked for a new certificate for ${name}`);
    const answer = await renew(name);
    if (answer === undefined) throw unknown(name);
    if (answer.kind === 'refused')
      throw new Refusal(409, 'Not ordered', `No new certificate for ${name}: ${answer.reason}.`);
    const view: RenewalView = { name, at: new Date(answer.at).toISOString() };
    return context.json(view);
  };
}

function unknown(name: string): Refusal {
  return new Refusal(404, 'No such certificate', `No certificate is ordered for ${shownValue(name)}.`);
}
