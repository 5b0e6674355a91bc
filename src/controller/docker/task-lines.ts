import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';

/** A line that a task wrote to its standard output. */
export interface TaskLine {
  /** When the engine received it, RFC 3339 with nanoseconds. */
  readonly at: string;
  readonly text: string;
}

export interface LineQuery {
  /** Only lines after this time: seconds since the epoch with nine decimals. */
  readonly since?: string | undefined;
  /** The newest lines; of those after `since`, if it is given. */
  readonly tail: number;
}

const STDOUT = 1;
const HEADER_BYTES = 8;
const LINE = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (.*)$/s;

/**
 * Reads the log of one task. Swarm waits for nodes that are down without an end, whatever the options, so every call has a deadline. Throws
 * if there is no answer in time, or if the log driver stores nothing.
 */
export async function readTaskLines(
  docker: Docker,
  task: string,
  { since, tail }: LineQuery,
  deadlineMs: number,
): Promise<TaskLine[]> {
  const signal = AbortSignal.timeout(deadlineMs);
  const expired = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`no answer within ${deadlineMs / 1000} s`)), {
      once: true,
    });
  });
  const api = docker.getTask(task) as unknown as { logs(options: object): Promise<unknown> };
  const options = { stdout: true, stderr: false, timestamps: true, follow: false, tail, abortSignal: signal };
  const answer = api.logs({ ...options, ...(since === undefined ? {} : { since }) }).then(toBuffer);
  // Whichever loses the race is no unhandled rejection.
  answer.catch(() => {});
  return parseFrames(await Promise.race([answer, expired]));
}

async function toBuffer(answer: unknown): Promise<Buffer> {
  if (Buffer.isBuffer(answer)) return answer;
  return Buffer.from(await text(answer as AsyncIterable<Buffer>), 'latin1');
}

/** Frames of a header with stream and length, and the text. A frame that is cut off ends the log. */
export function parseFrames(log: Buffer): TaskLine[] {
  const lines: TaskLine[] = [];
  let offset = 0;
  while (offset + HEADER_BYTES <= log.length) {
    const end = offset + HEADER_BYTES + log.readUInt32BE(offset + 4);
    if (end > log.length) break;
    const frame = log.toString('utf8', offset + HEADER_BYTES, end).replace(/\n$/, '');
    const [, at, text] = LINE.exec(frame) ?? [];
    if (log[offset] === STDOUT && at !== undefined && text !== undefined) lines.push({ at, text });
    offset = end;
  }
  return lines;
}
