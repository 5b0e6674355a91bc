import type { RouteView, State } from '../controller/admin/state.ts';
import type { StreamView } from '../controller/admin/stream-views.ts';
import { Api, apiOptions } from './api.ts';
import { columns } from './columns.ts';
import { defineCommand } from './command.ts';
import { exitCodes, writeJson } from './io.ts';

export const routes = defineCommand({
  name: 'routes',
  usage: '[text]',
  summary: 'List the routes of a running Signalbox: host or port, path, services, and what they answer and why.',
  details: 'With a text: only routes whose host, path, conditions, service or service cluster contains it.',
  examples: ['signalbox routes', 'signalbox routes app.example.org --json'],
  options: apiOptions,
  async run(values, [text = ''], io) {
    const state = await (await Api.connect(values, io)).state();
    const shown = state.routes.filter((route) => matches(route, text));
    // Missing in responses of earlier releases.
    const streams = ((state.streams as State['streams'] | undefined) ?? []).filter((stream) => connects(stream, text));
    const rows = [...shown.map(row), ...streams.map(streamRow)];
    if (values.json) writeJson(io, [...shown, ...streams]);
    else io.out(`${columns([['HOST', 'PATH', 'SERVICES', 'CLUSTER', 'ANSWER'], ...rows]).join('\n')}\n`);
    return exitCodes.done;
  },
});

function matches({ host, path, match = '', services, cluster }: RouteView, text: string): boolean {
  return [host + path, match, cluster, ...services].some((part) => part.includes(text));
}

function row({ host, path, match, weight, services, cluster, available, answer }: RouteView): string[] {
  // Responses of earlier releases have no reasons.
  const text = (answer as RouteView['answer'] | undefined)?.text ?? (available ? 'service' : '503');
  const owners = services.join(', ') + (weight === undefined ? '' : ` (weight ${weight})`);
  return [host, match === undefined ? path : `${path} if ${match}`, owners, cluster, text];
}

function connects(stream: StreamView, text: string): boolean {
  return [placeOf(stream), stream.service, stream.cluster].some((part) => part.includes(text));
}

function streamRow(stream: StreamView): string[] {
  return [placeOf(stream), '', stream.service, stream.cluster, stream.answer];
}

function placeOf({ protocol, port, host }: StreamView): string {
  return `${protocol}/${port}${host === null ? '' : ` ${host}`}`;
}
