import type { ClosedView, State } from '../controller/admin/state.ts';
import { nearest } from '../model/labels/nearest.ts';
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
    'signalbox maintenance on app.example.org api.example.org --for 2h --reason "Database upgrade"',
    'signalbox maintenance on shop_app --service',
    'signalbox maintenance off app.example.org',
  ],
  options: {
    allow: {
      type: 'string',
      value: 'addresses',
      description: 'Clients that are still allowed: addresses and networks, separated by commas.',
    },
    reason: { type: 'string', value: 'text', description: 'Shown to administrators, not to clients.' },
    for: { type: 'string', value: 'time', description: 'Ends automatically after this time, such as 30m, 2h or 1d.' },
    until: {
      type: 'string',
      value: 'time',
      description: 'Ends automatically at this time, such as 2026-05-01T06:00Z.',
    },
    service: { type: 'boolean', description: 'The names are service names.' },
    ...apiOptions,
  },
  async run(values, [verb, ...names], io) {
    checkUsage(verb, names, values);
    const terms = readTerms(values, Date.now());
    const api = await Api.connect(values, io);
    const state = await api.state();
    const targets = names.map((name) => ({ kind: values.service ? ('service' as const) : kindOf(name, state), name }));
    // All or none: an unknown name must not be noticed halfway.
    if (verb === 'on') for (const target of targets) checkKnown(target, state);
    for (const { kind, name } of targets) {
      const path = `/api/maintenance/${kind}s/${encodeURIComponent(name)}`;
      const body = { allow: splitList(values.allow), ...terms };
      await (verb === 'on' ? api.call('PUT', path, body) : api.call('DELETE', path));
    }
    const closed = names.length === 0 ? state.maintenance : (await api.state()).maintenance;
    if (values.json) writeJson(io, closed);
    else io.out(describeClosed(closed));
    return exitCodes.done;
  },
});

interface Given {
  readonly allow?: string;
  readonly reason?: string;
  readonly for?: string;
  readonly until?: string;
}

function checkUsage(verb: string | undefined, names: readonly string[], given: Given): void {
  const onlyOn = (['allow', 'reason', 'for', 'until'] as const).find((option) => given[option] !== undefined);
  if (onlyOn !== undefined && verb !== 'on') throw new UsageError(`--${onlyOn} is only valid with "maintenance on".`);
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

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function readTerms({ reason, for: period, until }: Given, now: number): { reason?: string; until?: string } {
  if (period !== undefined && until !== undefined) throw new UsageError('Use either --for or --until.');
  const end = period === undefined ? until && Date.parse(until) : now + readPeriod(period);
  if (Number.isNaN(end)) throw new UsageError(`${until} is not a time such as 2026-05-01T06:00Z.`);
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(typeof end === 'number' ? { until: new Date(end).toISOString() } : {}),
  };
}

function readPeriod(text: string): number {
  const [, number, unit = ''] = /^(\d{1,4})([mhd])$/.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`${text} is not a time such as 30m, 2h or 1d.`);
  return Number(number) * UNIT_MS[unit]!;
}

function checkKnown(
  { kind, name }: Pick<ClosedView, 'kind' | 'name'>,
  { routes, streams = [], services }: State,
): void {
  const hosts = [...routes.map(({ host }) => host), ...streams.flatMap(({ host }) => host ?? [])];
  const known = kind === 'host' ? hosts : services.map((service) => service.name);
  if (known.includes(name)) return;
  const similar = nearest(name, [...new Set(known)]);
  const hint = similar === undefined ? '' : ` Did you mean ${similar}?`;
  throw new UsageError(`No route uses the ${kind} ${name}. Nothing was changed.${hint}`);
}

/** A name that nobody knows counts as a host. */
function kindOf(name: string, { routes, maintenance }: State): Kind {
  const closed = maintenance.find((other) => other.name === name);
  if (closed !== undefined) return closed.kind;
  const isService = routes.some(({ services }) => services.includes(name));
  return isService && !routes.some(({ host }) => host === name) ? 'service' : 'host';
}

function describeClosed(closed: readonly ClosedView[]): string {
  if (closed.length === 0) return 'Nothing is under maintenance\n';
  return `${columns([['CLOSED', 'KIND', 'ALLOWED', 'BY', 'SINCE', 'UNTIL', 'REASON'], ...closed.map(row)]).join('\n')}\n`;
}

function row({ name, kind, allow, who, since, until, reason }: ClosedView): string[] {
  return [name, kind, allow.join(', ') || '-', who ?? 'label', since ?? '-', until ?? '-', reason ?? '-'];
}
