/** Far above what 100,000 routes need, far below what would hurt. */
export const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;

/** Reads a whole message, and gives up on one that is too large. */
export async function readBody(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_MESSAGE_BYTES) throw new Error('Message is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
