import { z } from 'zod';
import { Api, apiOptions } from './api.ts';
import { defineCommand } from './command.ts';
import { exitCodes, type Io, UsageError, writeJson } from './io.ts';

/** Response of `/api/interlock`. */
interface Switch {
  readonly InterlockEnabled: boolean;
  readonly HTTPPort: number;
  readonly HTTPSPort: number;
}

export const enable = defineCommand({
  name: 'enable',
  usage: '',
  summary: 'Enable layer 7 routing, or change its ports.',
  details:
    'Ports that are not given stay unchanged. A port that a service already publishes is rejected; the error names that service.',
  examples: ['signalbox enable', 'signalbox enable --http 80 --https 443'],
  options: {
    http: { type: 'string', value: 'port', description: 'Published HTTP port.' },
    https: { type: 'string', value: 'port', description: 'Published HTTPS port.' },
    ...apiOptions,
  },
  async run(values, _, io) {
    const ports = { HTTPPort: readPort(values.http), HTTPSPort: readPort(values.https) };
    const api = await Api.connect(values, io);
    return tell((await api.call('POST', '/api/interlock', ports)) as Switch, values.json, io);
  },
});

export const disable = defineCommand({
  name: 'disable',
  usage: '',
  summary: 'Disable layer 7 routing: proxies and extensions are removed, applications stay.',
  details:
    'No host answers until "enable" restores everything. Asks for confirmation on a terminal. Without a terminal, for example in a script, it does not ask.',
  examples: ['signalbox disable', 'signalbox disable --yes'],
  options: {
    yes: { type: 'boolean', description: 'Do not ask for confirmation.' },
    ...apiOptions,
  },
  async run(values, _, io) {
    const api = await Api.connect(values, io);
    if (!values.yes && !(await isConfirmed(io))) {
      io.err('signalbox: Nothing was changed.\n');
      return exitCodes.found;
    }
    return tell((await api.call('DELETE', '/api/interlock')) as Switch, values.json, io);
  },
});

async function isConfirmed({ ask }: Io): Promise<boolean> {
  if (ask === undefined) return true;
  return /^y(es)?$/i.test((await ask('Disable layer 7 routing? All proxies are removed. [y/N] ')).trim());
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = z.coerce.number().int().min(1).max(65_535).safeParse(text);
  if (!port.success) throw new UsageError(`${text} is not a port.`);
  return port.data;
}

function tell(state: Switch, json: boolean | undefined, io: Io) {
  const { InterlockEnabled, HTTPPort, HTTPSPort } = state;
  if (json) writeJson(io, state);
  else io.out(InterlockEnabled ? `On, HTTP ${HTTPPort}, HTTPS ${HTTPSPort}\n` : 'Off\n');
  return exitCodes.done;
}
