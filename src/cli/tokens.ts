import type { CreatedToken, TokenView } from '../controller/admin/requests.ts';
import { MAX_TOKEN_DAYS } from '../model/access/api-tokens.ts';
import { roleSchema, roles } from '../model/access/roles.ts';
import { Api, apiOptions } from './api.ts';
import { columns } from './columns.ts';
import { defineCommand, type Values } from './command.ts';
import { exitCodes, type Io, UsageError, writeJson } from './io.ts';

const path = '/api/tokens';

const options = {
  role: { type: 'string', value: 'role', description: `${roles.join(', ')}. Default: viewer.` },
  cluster: { type: 'string', value: 'cluster', description: 'Limit the token to this service cluster.' },
  days: {
    type: 'string',
    value: 'number',
    description: `Days until the token expires, up to ${MAX_TOKEN_DAYS}. Default: 90.`,
  },
  ...apiOptions,
} as const;

export const tokens = defineCommand({
  name: 'tokens',
  usage: '[list|create <name>|revoke <name>…]',
  words: ['list', 'create', 'revoke'],
  summary: 'Create, list and revoke API tokens for scripts and pipelines.',
  details:
    'Requires the role administrator and a password: API tokens cannot manage API tokens. "create" prints the token, which is shown only once.',
  examples: [
    'signalbox tokens',
    'signalbox tokens create ci --role operator --cluster east --days 30 >token',
    'signalbox tokens revoke ci',
  ],
  options,
  async run(values, [verb = 'list', ...names], io) {
    const { name, body } = checkUsage(verb, names, values);
    const api = await Api.connect(values, io);
    if (verb === 'create')
      writeCreated(io, values.json, (await api.call('POST', path, { name, ...body })) as CreatedToken);
    else if (verb === 'revoke') await revoke(api, names);
    if (verb !== 'create') writeList(io, values.json, await list(api));
    return exitCodes.done;
  },
});

function checkUsage(verb: string, names: readonly string[], { role, cluster, days }: Values<typeof options>) {
  if (!['list', 'create', 'revoke'].includes(verb))
    throw new UsageError(`Invalid argument ${verb}. Use list, create or revoke.`);
  const given = [role, cluster, days].some((value) => value !== undefined);
  if (given && verb !== 'create')
    throw new UsageError('--role, --cluster and --days are only valid with "tokens create".');
  if (verb === 'create' && names.length !== 1) throw new UsageError('"tokens create" takes one name.');
  if (verb === 'revoke' && names.length === 0) throw new UsageError('Missing argument: token.');
  const known = roleSchema.safeParse(role ?? 'viewer').data;
  if (known === undefined) throw new UsageError(`Unknown role ${role}. Choose one of: ${roles.join(', ')}.`);
  if (days !== undefined && !/^\d{1,3}$/.test(days)) throw new UsageError(`${days} is not a number of days.`);
  const scope = cluster === undefined ? {} : { cluster };
  return { name: names[0], body: { role: known, ...scope, ...(days === undefined ? {} : { days: Number(days) }) } };
}

async function list(api: Api): Promise<readonly TokenView[]> {
  return (await api.call('GET', path)) as TokenView[];
}

/** Accepts names and IDs. The API rejects unknown tokens. */
async function revoke(api: Api, names: readonly string[]): Promise<void> {
  const known = await list(api);
  for (const name of names) {
    const id = known.find((token) => token.name === name)?.id ?? name;
    await api.call('DELETE', `${path}/${encodeURIComponent(id)}`);
  }
}

/** Prints only the token to standard output, so that it can be redirected to a file or a secret store. */
function writeCreated(io: Io, json: boolean | undefined, created: CreatedToken): void {
  if (json) {
    writeJson(io, created);
    return;
  }
  const { name, role, cluster, expiresAt, token } = created;
  const scope = cluster === null ? '' : `, cluster ${cluster}`;
  io.err(`Created ${name}: ${role}${scope}, valid until ${expiresAt}. It is shown only once.\n`);
  io.out(`${token}\n`);
}

function writeList(io: Io, json: boolean | undefined, all: readonly TokenView[]): void {
  if (json) writeJson(io, all);
  else if (all.length === 0) io.out('No tokens\n');
  else io.out(`${columns([['TOKEN', 'ROLE', 'CLUSTER', 'VALID UNTIL', 'CREATED BY'], ...all.map(row)]).join('\n')}\n`);
}

function row({ name, role, cluster, expiresAt, createdBy }: TokenView): string[] {
  return [name, role, cluster ?? '*', expiresAt, createdBy];
}
