import type { ClosedView, State } from '../controller/admin/state.ts';
import { Api, apiOptions } from './api.ts';
import { columns } from './columns.ts';
import { defineCommand } from './command.ts';
import { exitCodes, UsageError, writeJson } from './io.ts';

type Kind = ClosedView['kind'];

export const maintenance = defineCommand({
  name: 'maintenance',
  usage: '[on|off <host|service>…]',
  words: ['on', 'off'],
  summary: 'Turn maintenance of hosts or services on and off. Without arguments: list maintenance.',
  details: `Clients get a 503 page with Retry-After. A name that is both a host and a service means the host, unless --service is given.`,
  examples: [
    'signalbox maintenance on app.example.org --allow 10.0.0.0/8,192.0.2.7',
    'signalbox maintenance on shop_app --service',
    'signalbox maintenance off app.example.org',
  ],
  options: {
    allow: {
      type: 'string',
      value: 'addresses',
      description: 'Clients that are still allowed: addresses and networks, separated by commas.',
    },
    service: { type: 'boolean', description: 'The names are service names.' },
    ...apiOptions,
  },
  async run(values, [verb, ...names], io) {
    checkUsage(verb, names, values.allow);
    const api = await Api.connect(values, io);
    const state = await api.state();
    for (const name of names) {
      const kind = values.service ? 'service' : kindOf(name, state);
      const path = `/api/maintenance/${kind}s/${encodeURIComponent(name)}`;
      await (verb === 'on' ? api.call('PUT', path, { allow: splitList(values.allow) }) : api.call('DELETE', path));
    }
    const closed = names.length === 0 ? state.maintenance : (await api.state()).maintenance;
    if (values.json) writeJson(io, closed);
    else io.out(describeClosed(closed));
    return exitCodes.done;
  },
});

function checkUsage(verb: string | undefined, names: readonly string[], allow: string | undefined): void {
  if (allow !== undefined && verb !== 'on') throw new UsageError('--allow is only valid with "maintenance on".');
  if (verb === undefined) return;
  if (verb !== 'on' && verb !== 'off') throw new UsageError(`Invalid argument ${verb}. Use on or off.`);
  if (names.length === 0) throw new UsageError('Missing argument: host or service.');
}

function splitList(text = ''): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

/** What nobody knows is left to the API to refuse. */
function kindOf(name: string, { routes, maintenance }: State): Kind {
  const closed = maintenance.find((other) => other.name === name);
  if (closed !== undefined) return closed.kind;
  const isService = routes.some(({ services }) => services.includes(name));
  return isService && !routes.some(({ host }) => host === name) ? 'service' : 'host';
}

function describeClosed(closed: readonly ClosedView[]): string {
  if (closed.length === 0) return 'Nothing is under maintenance\n';
  return `${columns([['CLOSED', 'KIND', 'ALLOWED', 'BY', 'SINCE'], ...closed.map(row)]).join('\n')}\n`;
}

function row({ name, kind, allow, who, since }: ClosedView): string[] {
  return [name, kind, allow.join(', ') || '-', who ?? 'label', since ?? '-'];
}
