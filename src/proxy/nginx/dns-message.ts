/** The part of DNS (RFC 1035) that the name relay needs: one question, and A records as the answer. */

export interface Query {
  readonly id: number;
  readonly name: string;
  /** Type A, class IN: the only one the relay answers. */
  readonly isAddress: boolean;
  /** The question as received, to be repeated in the answer. */
  readonly question: Buffer;
}

export interface Answer {
  readonly id: number;
  readonly name: string;
  readonly code: number;
  /** The sender asks for a retry over TCP. */
  readonly truncated: boolean;
  /** A records: time to live and address, 8 bytes each. */
  readonly records: readonly Buffer[];
}

export const codes = { noError: 0, serverFailure: 2, nameError: 3, refused: 5 } as const;

const HEADER = 12;
const TYPE_A = 1;
const CLASS_IN = 1;
const FLAGS = {
  response: 0x8000,
  opcode: 0x7800,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
};
/** A compressed name: the one at the beginning of the question. */
const NAME_OF_QUESTION = [0xc0, HEADER];
const RECORD = 16;

/** Undefined if it is not a well-formed query. */
export function parseQuery(message: Buffer): Query | undefined {
  if (message.length < HEADER) return undefined;
  const flags = message.readUInt16BE(2);
  const isQuery = (flags & (FLAGS.response | FLAGS.opcode)) === 0;
  if (!isQuery || message.readUInt16BE(4) !== 1 || message.readUInt16BE(6) !== 0) return undefined;
  return readQuestion(message);
}

/** Undefined if it is malformed, or does not answer exactly one question. */
export function parseAnswer(message: Buffer): Answer | undefined {
  if (message.length < HEADER || message.readUInt16BE(4) !== 1) return undefined;
  const flags = message.readUInt16BE(2);
  const asked = readQuestion(message);
  if ((flags & FLAGS.response) === 0 || !asked?.isAddress) return undefined;
  const records = readRecords(message, HEADER + asked.question.length, message.readUInt16BE(6));
  if (records === undefined) return undefined;
  return { id: asked.id, name: asked.name, code: flags & 0xf, truncated: (flags & FLAGS.truncated) !== 0, records };
}

/**
 * Returns undefined unless the message answers this query, with the same question and identifier. Does not parse names, as there may be thousands.
 */
export function readAnswerTo(query: Buffer, message: Buffer): Omit<Answer, 'id' | 'name'> | undefined {
  const { length } = query;
  if (message.length < length || message.readUInt16BE(4) !== 1 || message.readUInt16BE(0) !== query.readUInt16BE(0))
    return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & FLAGS.response) === 0 || message.compare(query, HEADER, length, HEADER, length) !== 0) return undefined;
  const records = readRecords(message, length, message.readUInt16BE(6));
  return records && { code: flags & 0xf, truncated: (flags & FLAGS.truncated) !== 0, records };
}

export function writeQuery(id: number, name: string): Buffer {
  const message = Buffer.alloc(HEADER + name.length + 6);
  message.writeUInt16BE(id, 0);
  message.writeUInt16BE(FLAGS.recursionDesired, 2);
  message.writeUInt16BE(1, 4);
  let at = HEADER;
  for (const label of name.split('.')) {
    message[at] = label.length;
    message.write(label, at + 1, 'latin1');
    at += label.length + 1;
  }
  message.writeUInt16BE(TYPE_A, at + 1);
  message.writeUInt16BE(CLASS_IN, at + 3);
  return message;
}

/** Truncates an answer longer than `maxLength`: it is sent without records. */
export function writeAnswer(
  query: Query,
  { code, truncated, records }: Pick<Answer, 'code' | 'truncated' | 'records'>,
  maxLength: number,
): Buffer {
  const { id, question } = query;
  if (HEADER + question.length + records.length * RECORD > maxLength)
    return writeAnswer(query, { code, truncated: true, records: [] }, maxLength);
  const { response, recursionDesired, recursionAvailable } = FLAGS;
  const flags = response | recursionDesired | recursionAvailable | (truncated ? FLAGS.truncated : 0) | code;
  const head = Buffer.from([...NAME_OF_QUESTION, 0, TYPE_A, 0, CLASS_IN]);
  const written = records.flatMap((record) => [
    head,
    record.subarray(0, 4),
    Buffer.from([0, 4]),
    record.subarray(4, 8),
  ]);
  return Buffer.concat([header(id, flags, records.length), question, ...written]);
}

function header(id: number, flags: number, answers: number): Buffer {
  const bytes = Buffer.alloc(HEADER);
  for (const [position, value] of [id, flags, 1, answers].entries()) bytes.writeUInt16BE(value, 2 * position);
  return bytes;
}

/** The name is never compressed: nothing precedes it that it could point to. */
function readQuestion(message: Buffer): Query | undefined {
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63 || at - HEADER > 255) return undefined;
    at += 1 + length;
    if (length === 0) break;
    labels.push(message.toString('latin1', at - length, at));
  }
  const end = at + 4;
  if (labels.length === 0 || end > message.length || labels.some((label) => !/^[\w-]+$/.test(label))) return undefined;
  const isAddress = message.readUInt16BE(at) === TYPE_A && message.readUInt16BE(at + 2) === CLASS_IN;
  return { id: message.readUInt16BE(0), name: labels.join('.'), isAddress, question: message.subarray(HEADER, end) };
}

/** Reads A records. Skips others, such as aliases from a DNS server outside the swarm. */
function readRecords(message: Buffer, start: number, count: number): Buffer[] | undefined {
  const records: Buffer[] = [];
  let at = start;
  for (let n = 0; n < count; n++) {
    const fields = endOfName(message, at);
    if (fields === undefined || fields + 10 > message.length) return undefined;
    const data = fields + 10;
    at = data + message.readUInt16BE(fields + 8);
    if (at > message.length) return undefined;
    const isAddress = message.readUInt16BE(fields) === TYPE_A && message.readUInt16BE(fields + 2) === CLASS_IN;
    if (isAddress && at - data === 4)
      records.push(Buffer.concat([message.subarray(fields + 4, fields + 8), message.subarray(data, at)]));
  }
  return records;
}

/** Labels, followed by a zero or a pointer. */
function endOfName(message: Buffer, start: number): number | undefined {
  for (let at = start; at < message.length; at += 1 + message[at]!) {
    const length = message[at]!;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return undefined;
  }
  return undefined;
}
