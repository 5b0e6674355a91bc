/** Far above what 100,000 routes need, far below what would hurt. */
export const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;

/** Limit for the report of an agent, and for the state of an extension's agents: its size is bounded by the agents' reports. */
export const MAX_REPORT_BYTES = 1024 * 1024;

export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
}

/** Reads a whole message, and gives up on one that is too large. */
export async function readBody(stream: AsyncIterable<Buffer>, maxBytes = MAX_MESSAGE_BYTES): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw new TooLargeError('Message is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
