/** Far more than 100,000 routes require, and small enough for memory. */
export const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;

/** Limit for an agent's report and for the state of an extension's agents, whose size is bounded by the reports. */
export const MAX_REPORT_BYTES = 1024 * 1024;

export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
}

/** Reads a complete message. Throws if it is too large. */
export async function readBody(stream: AsyncIterable<Buffer>, maxBytes = MAX_MESSAGE_BYTES): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw new TooLargeError('Message too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
