import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecretFacts } from '../model/material.ts';
import type { Check } from './check.ts';

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Fills in `stapledWith`: nginx staples only for certificates that it reads when it starts, and one that it cannot read keeps it from that. So
 * it is asked beforehand. Secrets of a task never change.
 */
export async function findStapled(secrets: readonly SecretFacts[], check: Check): Promise<SecretFacts[]> {
  const accepted = await accept(
    secrets.flatMap((own) => pairsOf(own, secrets)),
    check,
  );
  return secrets.map((own) => ({
    ...own,
    stapledWith: accepted.filter(({ certificate }) => certificate === own.name).map(({ key }) => key),
  }));
}

/** nginx names the certificate's issuer when it asks, and takes it from the chain. */
function pairsOf({ name, certificates, isBroken }: SecretFacts, secrets: readonly SecretFacts[]): Pair[] {
  const [own, issuer] = certificates;
  if (isBroken || !own?.responder || !issuer || !own.isFollowedByIssuer) return [];
  const fitting = secrets.filter(({ key }) => key.kind === 'plain' && key.publicKey === own.publicKey);
  return fitting.map((key) => ({ certificate: name, key: key.name }));
}

/** All at once is the common case; where nginx refuses, it is asked about each half. */
async function accept(pairs: readonly Pair[], check: Check): Promise<readonly Pair[]> {
  if (pairs.length === 0) return [];
  const complaint = await check([{ path: 'nginx.conf', text: configurationOf(pairs) }]);
  if (complaint === undefined) return pairs;
  if (pairs.length === 1) return [];
  const middle = Math.ceil(pairs.length / 2);
  const halves = [pairs.slice(0, middle), pairs.slice(middle)];
  return [...(await accept(halves[0]!, check)), ...(await accept(halves[1]!, check))];
}

function configurationOf(pairs: readonly Pair[]): string {
  const own = join(tmpdir(), 'stapling');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${own};`);
  const servers = pairs.map(
    ({ certificate, key }, n) => `server { listen unix:${own}.sock ssl; server_name n${n};
ssl_certificate /run/secrets/${certificate}; ssl_certificate_key /run/secrets/${key}; }`,
  );
  return `pid ${own}.pid; events {} http { ${[...temporary, ...servers].join('\n')} }`;
}
