import { checkHost } from './acme-checks.ts';
import { defineCommand } from './command.ts';
import { exitCodes, type Io, paint, UsageError, writeJson } from './io.ts';

export const acme = defineCommand({
  name: 'acme',
  usage: 'test <host>',
  words: ['test'],
  summary: 'Check from here whether a CA could issue a certificate for a host.',
  details:
    'Looks up the A, AAAA and CAA records of the host, and asks each address for a challenge on port 80, as a CA does. Orders nothing. Run it outside the swarm: a CA also connects from outside. Exits with 1 if a check fails.',
  examples: ['signalbox acme test app.example.org'],
  options: {
    port: { type: 'string', value: 'port', description: 'HTTP port to ask, for tests. CAs use 80. Default: 80.' },
  },
  async run(values, [verb, host, ...more], io) {
    if (verb !== 'test' || host === undefined || more.length > 0)
      throw new UsageError('Write "acme test" and one host.');
    const checks = await checkHost(host.toLowerCase(), { port: readPort(values.port) });
    if (values.json) writeJson(io, checks);
    else for (const { ok, text } of checks) io.out(`${mark(io, ok)} ${text}\n`);
    return checks.every(({ ok }) => ok) ? exitCodes.done : exitCodes.found;
  },
});

function readPort(text = '80'): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new UsageError('Invalid port.');
  return port;
}

function mark(io: Io, ok: boolean): string {
  return ok ? paint(io, 'green', '✔') : paint(io, 'red', '✘');
}
