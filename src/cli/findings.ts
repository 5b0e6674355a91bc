import type { Finding } from '../compose/finding.ts';
import type { Affected, SentProblem } from '../model/problem.ts';
import { type Io, paint, writeJson } from './io.ts';
import { toSarif } from './sarif.ts';
import { subjectOf } from './subject.ts';

export const formats = ['text', 'json', 'github', 'sarif'] as const;
export type Format = (typeof formats)[number];

export function writeFindings(findings: readonly Finding[], format: Format, io: Io): void {
  if (format === 'json') {
    writeJson(io, findings.map(flatten));
    return;
  }
  if (format === 'sarif') {
    writeJson(io, toSarif(findings));
    return;
  }
  const write = format === 'github' ? annotation : (finding: Finding) => describe(finding, io);
  for (const finding of findings) io.out(`${write(finding)}\n`);
}

export function hasErrors(problems: readonly SentProblem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}

function flatten({ place, ...problem }: Finding) {
  return { ...place, ...problem };
}

export const severityStyles = { error: 'red', warning: 'yellow', notice: 'cyan' } as const;

/** `stack.yml:12:9: error: com.docker.lb.port "x" is not a whole number (app)`, and the remedy on the next line. */
export function describe(finding: Finding, io: Pick<Io, 'color'>): string {
  const { place } = finding;
  const where = paint(io, 'bold', `${place.file}:${place.line}:${place.column}:`);
  return `${where} ${paintSeverity(finding, io)} ${describeProblem(finding, io)}`;
}

export function paintSeverity({ severity }: SentProblem, io: Pick<Io, 'color'>): string {
  return paint(io, severityStyles[severity], `${severity}:`);
}

export function describeProblem(problem: SentProblem, io: Pick<Io, 'color'>): string {
  const { service, reason, remedy, affects } = problem;
  const owner = service === undefined ? '' : ` ${paint(io, 'dim', `(${service})`)}`;
  // The reason of a shared cause is a full sentence.
  const what = subjectOf(problem).join(' ') + (affects === undefined ? ' ' : ': ') + reason;
  const listed = (affects ?? []).map((each) => describeAffected(each, problem));
  return [`${what.trim()}${owner}`, ...listed, `    ${remedy}`].join('\n');
}

/** More routes are only counted, to keep the text short. */
const SHOWN_ROUTES = 10;

function describeAffected({ service, label, routes }: Affected, { service: owner }: SentProblem): string {
  const more = routes.length > SHOWN_ROUTES ? [`and ${routes.length - SHOWN_ROUTES} more`] : [];
  const shown = [...routes.slice(0, SHOWN_ROUTES), ...more].join(', ');
  const whose = service === undefined || service === owner ? '' : ` (${service})`;
  return `    ${label}${whose}${shown === '' ? '' : `: ${shown}`}`;
}

/** A workflow command of GitHub Actions, which shows the finding at its line. */
function annotation({ place, severity, label, value, reason, remedy, service, affects }: Finding): string {
  const title = [service, label].filter((part) => part !== undefined).join(' ');
  const properties = [
    `file=${place.file}`,
    `line=${place.line}`,
    `col=${place.column}`,
    `title=${title || 'signalbox'}`,
  ];
  const subject = value === undefined ? '' : `${JSON.stringify(value)}${affects === undefined ? '' : ':'} `;
  const message = `${subject}${reason}. ${remedy}`;
  const escaped = properties.map((property) => escapeData(property).replaceAll(':', '%3A').replaceAll(',', '%2C'));
  return `::${severity} ${escaped.join(',')}::${escapeData(message)}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** `2 errors, 1 warning`; undefined where there is nothing to count. */
export function countProblems(problems: readonly SentProblem[]): string | undefined {
  const counts = (['error', 'warning', 'notice'] as const).map((severity) => {
    const count = problems.filter((problem) => problem.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? '' : 's'}`];
  });
  return counts.flat().join(', ') || undefined;
}
