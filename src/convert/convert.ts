import type { Finding } from '../compose/finding.ts';
import type { ComposeFile } from '../compose/load.ts';
import { caddySite, isTraefikLabel } from '../compose/other-routers.ts';
import { shownValue } from '../model/problem.ts';
import { convertCaddy } from './caddy.ts';
import { ComposeText, type Source } from './compose-text.ts';
import type { ConvertedService, ForeignLabel, ForeignService, Remark } from './foreign-label.ts';
import { convertNginxProxy, isNginxProxyVariable } from './nginx-proxy.ts';
import { notConverted } from './remarks.ts';
import { convertTraefik } from './traefik/convert.ts';

interface System {
  readonly source: Source;
  readonly convert: (services: readonly ForeignService[]) => readonly ConvertedService[];
  readonly isTheirs: (label: ForeignLabel) => boolean;
}

/** Routers whose labels are understood. */
export const systems = {
  traefik: { source: 'labels', convert: convertTraefik, isTheirs: ({ name }) => isTraefikLabel(name) },
  'nginx-proxy': { source: 'environment', convert: convertNginxProxy, isTheirs: isNginxProxyVariable },
  caddy: { source: 'labels', convert: convertCaddy, isTheirs: ({ name }) => caddySite(name) !== undefined },
} as const satisfies Readonly<Record<string, System>>;

export type SystemName = keyof typeof systems;

export interface Converted {
  readonly files: readonly ComposeFile[];
  readonly findings: readonly Finding[];
  /** Services that got labels. */
  readonly count: number;
}

/** Adds our labels to those of another router, or replaces them. Services of one file may refer to labels in another. */
export function convertFiles(files: readonly ComposeFile[], name: SystemName, replaces: boolean): Converted {
  const { source, convert, isTheirs }: System = systems[name];
  const texts = files.map(({ name: file, text }) => ({ file, compose: new ComposeText(file, text, source) }));
  const services = texts.flatMap(({ compose }) => compose.services.map((service) => ({ compose, service })));
  const converted = convert(services.map(({ service }) => service));
  for (const [position, { name: service, labels }] of converted.entries())
    services[position]!.compose.add(service, labels);
  if (replaces) for (const { compose } of texts) compose.remove(isTheirs);
  return {
    files: texts.map(({ file, compose }) => ({ name: file, text: compose.toString() })),
    findings: [
      ...texts.flatMap(({ compose }) => compose.findings),
      ...converted.flatMap(({ name: service, remarks }) => remarks.map((remark) => toFinding(service, remark))),
    ],
    count: converted.filter(({ labels }) => labels.size > 0).length,
  };
}

function toFinding(service: string, { label, ...remark }: Remark): Finding {
  const { name, value, place } = label;
  return {
    ...remark,
    id: notConverted.definition.id,
    service,
    label: name,
    ...(isSecret(name) ? {} : { value: shownValue(value) }),
    place,
  };
}

/** Hashes of passwords. */
function isSecret(name: string): boolean {
  return /auth\.users$|basic_?auth/i.test(name);
}
