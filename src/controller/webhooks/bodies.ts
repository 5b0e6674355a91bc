import { type Problem, shortened } from '../../model/problem.ts';
import type { Changes } from './changes.ts';

/** Problems of each kind in a message. The numbers in it are those of all. */
const MOST = 50;
const MOST_IN_CHAT = 15;
const LONGEST_LINE = 400;

/** The body for `Format = "json"`. Fields may be added, and do not change. */
export function jsonBody({ appeared, resolved, current }: Changes, sentAt: number): string {
  return JSON.stringify({
    sent_at: new Date(sentAt).toISOString(),
    appeared: appeared.slice(0, MOST).map(shortened),
    appeared_total: appeared.length,
    resolved: resolved.slice(0, MOST).map(shortened),
    resolved_total: resolved.length,
    current_total: current.size,
  });
}

/** The body for `Format = "slack"`. */
export function slackBody({ appeared, resolved, current }: Changes): string {
  const lines = [
    `*Signalbox: ${appeared.length} problems appeared, ${resolved.length} resolved, ${current.size} now*`,
    ...listed(appeared, ({ remedy, ...problem }) => `:red_circle: ${sentence(problem)} Fix: ${remedy}`),
    ...listed(resolved, (problem) => `:white_check_mark: ${sentence(problem)}`),
  ];
  return JSON.stringify({ text: lines.join('\n') });
}

function listed(problems: readonly Problem[], toLine: (problem: Problem) => string): string[] {
  const rest = problems.length - MOST_IN_CHAT;
  const lines = problems.slice(0, MOST_IN_CHAT).map((problem) => escaped(toLine(problem)));
  return rest > 0 ? [...lines, `and ${rest} more`] : lines;
}

function sentence({ severity, service, cluster, label, value, reason }: Omit<Problem, 'remedy'>): string {
  const subject = [service ?? cluster, label, value && `"${value}"`].filter(Boolean).join(' ');
  return `${severity}: ${subject === '' ? '' : `${subject}: `}${reason}.`;
}

/** Labels are written by anyone: without these characters, they form neither links nor mentions, such as `<!channel>`. */
function escaped(line: string): string {
  const [text, more] = [line.slice(0, LONGEST_LINE), line.length > LONGEST_LINE ? '…' : ''];
  return `${text
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')}${more}`;
}
