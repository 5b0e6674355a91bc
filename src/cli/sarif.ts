import type { Finding } from '../compose/finding.ts';
import { subjectOf } from './subject.ts';

const levels = { error: 'error', warning: 'warning', notice: 'note' } as const;

/** A log of SARIF 2.1.0, as code scanning services read it. Paths of files are as given. */
export function toSarif(findings: readonly Finding[]) {
  const ids = [...new Set(findings.map(({ id }) => id))].toSorted();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Signalbox', rules: ids.map((id) => ({ id, name: nameOf(id) })) } },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => toResult(finding, ids)),
      },
    ],
  };
}

/** `certificate-expires-soon` → `CertificateExpiresSoon` */
function nameOf(id: string): string {
  return id.replaceAll(/(?:^|-)([a-z])/g, (_, first: string) => first.toUpperCase());
}

function toResult(finding: Finding, ids: readonly string[]) {
  const { id, severity, place } = finding;
  const { file, line, column } = place;
  return {
    ruleId: id,
    ruleIndex: ids.indexOf(id),
    level: levels[severity],
    message: { text: messageOf(finding) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(file.replaceAll('\\', '/')) },
          region: { startLine: line, startColumn: column },
        },
      },
    ],
  };
}

function messageOf(finding: Finding): string {
  const { service, reason, remedy } = finding;
  const owner = service === undefined ? '' : ` (${service})`;
  return `${[...subjectOf(finding), reason].join(' ')}${owner}. ${remedy}`;
}
