import { type Finding, sortFindings } from '../compose/finding.ts';
import { convertFiles, type SystemName, systems } from '../convert/convert.ts';
import { defineCommand } from './command.ts';
import { readText, writeText } from './files.ts';
import { countProblems, describe } from './findings.ts';
import { exitCodes, type Io, UsageError, writeJson } from './io.ts';

const names = Object.keys(systems) as SystemName[];

export const convert = defineCommand({
  name: 'convert',
  usage: `${names.join('|')} <compose.yml…>`,
  words: names,
  summary: 'Add our labels to compose files for Traefik, nginx-proxy or caddy-docker-proxy.',
  details: `Reads the labels of Traefik and caddy-docker-proxy, and the variables of nginx-proxy. Prints the converted file, or changes the files with --write. Comments and layout stay. Both routers can serve the services while you move.
What has no counterpart is listed with file and line, and the command exits with 1. Nothing is published that was not published before, except where a
finding says so. Check the result with "signalbox lint".`,
  examples: [
    'signalbox convert traefik stack.yml > converted.yml',
    'signalbox convert traefik stack.yml other.yml --write --replace',
  ],
  options: {
    write: { type: 'boolean', description: 'Change the files. Required for several files.' },
    replace: { type: 'boolean', description: 'Remove the labels or variables of the other router.' },
  },
  async run(values, [system, ...files], io) {
    const name = names.find((each) => each === system);
    if (name === undefined) throw new UsageError(`Invalid router. Choose one of: ${names.join(', ')}.`);
    if (files.length === 0) throw new UsageError('Missing argument: compose file.');
    if (files.length > 1 && !values.write && !values.json) throw new UsageError('Several files require --write.');
    const read = await Promise.all(files.map(async (file) => ({ name: file, text: await readText(file, io) })));
    const converted = convertFiles(read, name, values.replace ?? false);
    const findings = sortFindings(converted.findings, files);
    if (values.write) for (const { name: file, text } of converted.files) await writeText(file, text);
    if (values.json) writeJson(io, { files: converted.files, findings });
    else if (!values.write) io.out(converted.files.map(({ text }) => text).join(''));
    if (!values.json) report(findings, converted.count, io);
    return findings.some(({ severity }) => severity !== 'notice') ? exitCodes.found : exitCodes.done;
  },
});

/** Prints to standard error, because standard output is the converted file. */
function report(findings: readonly Finding[], count: number, io: Io): void {
  const plain = { color: false };
  for (const finding of findings) io.err(`${describe(finding, plain)}\n`);
  const services = `${count} ${count === 1 ? 'service' : 'services'} converted`;
  io.err(`${services}, ${countProblems(findings) ?? 'nothing lost'}\n`);
}
