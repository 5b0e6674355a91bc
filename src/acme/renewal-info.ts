import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { RenewalInfoRequest, RenewalInfoResponse } from '../protocol/acme-messages.ts';
import { getJson } from './get-json.ts';

const HOUR_MS = 3_600_000;
/** If the CA does not say when to ask again. */
const USUAL_MS = 6 * HOUR_MS;
const NO_ARI_MS = 24 * HOUR_MS;

const Directory = z.object({ renewalInfo: z.url({ protocol: /^https$/ }).optional() });
const Info = z.object({
  suggestedWindow: z.object({ start: z.iso.datetime({ offset: true }), end: z.iso.datetime({ offset: true }) }),
});

/** When the CA wants a certificate to be renewed (RFC 9773). */
export async function renewalInfo(
  { directory, ca, ari }: RenewalInfoRequest,
  secrets: string,
): Promise<RenewalInfoResponse> {
  const trusted = ca === '' ? undefined : await readFile(join(secrets, ca), 'utf8');
  const { renewalInfo: base } = Directory.parse((await getJson(directory, trusted)).body);
  if (base === undefined) return { againAfterMs: NO_ARI_MS };
  const { body, retryAfterMs } = await getJson(`${base.replace(/\/$/, '')}/${ari}`, trusted);
  const { start, end } = Info.parse(body).suggestedWindow;
  const againAfterMs = Math.min(Math.max(retryAfterMs ?? USUAL_MS, 60_000), NO_ARI_MS);
  return { window: { start: Date.parse(start), end: Date.parse(end) }, againAfterMs };
}
