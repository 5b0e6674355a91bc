import { setTimeout } from 'node:timers/promises';
import type { LogsView } from '../controller/admin/logs.ts';
import { Api, apiOptions } from './api.ts';
import { defineCommand } from './command.ts';
import { exitCodes, type Io, paint, UsageError } from './io.ts';

const POLL_MS = 2000;

export const logs = defineCommand({
  name: 'logs',
  usage: '<host>',
  summary: 'Show the access log of a host, from all proxies.',
  details:
    'The controller reads the logs of the proxies, each with a deadline of 5 s: a node that does not answer is reported and never waited for. Lines appear up to 3 s after the request. Requires the role operator, because logs contain addresses and paths of clients. With --json, each line is an object.',
  examples: ['signalbox logs shop.example.org', 'signalbox logs shop.example.org --follow --tail 20'],
  options: {
    follow: { type: 'boolean', description: 'Continue with new lines until Ctrl-C.' },
    tail: { type: 'string', value: 'lines', description: 'The newest lines of each proxy, up to 1000. Default: 100.' },
    ...apiOptions,
  },
  async run(values, [host, ...more], io) {
    if (host === undefined || more.length > 0) throw new UsageError('Write one host.');
    const tail = readTail(values.tail);
    const api = await Api.connect(values, io);
    const reported = new Set<string>();
    let cursor = '';
    for (;;) {
      // After the first answer, all lines since then.
      const query = new URLSearchParams({ host, tail: String(cursor === '' ? tail : 1000), cursor });
      const view = (await api.call('GET', `/api/logs?${query}`)) as LogsView;
      write(view, values.json ?? false, reported, io);
      if (!values.follow) return view.silent.length > 0 && view.lines.length === 0 ? exitCodes.found : exitCodes.done;
      cursor = view.cursor;
      await setTimeout(POLL_MS);
    }
  },
});

function readTail(text = '100'): number {
  const tail = Number(text);
  if (!Number.isInteger(tail) || tail < 1 || tail > 1000) throw new UsageError('--tail is a number from 1 to 1000.');
  return tail;
}

function write({ lines, silent }: LogsView, isJson: boolean, reported: Set<string>, io: Io): void {
  for (const line of lines)
    io.out(isJson ? `${JSON.stringify(line)}\n` : `${paint(io, 'dim', line.node)} ${line.text}\n`);
  for (const { node, reason } of silent) {
    if (!reported.has(node)) io.err(`signalbox: ${node}: ${reason}\n`);
    reported.add(node);
  }
}
