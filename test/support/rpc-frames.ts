/** A message of a language server, as it is sent over a stream. */
export function frame(message: object): string {
  const text = JSON.stringify(message);
  return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** Receives the parts of a stream, and passes on each message once it is complete. */
export function readFrames(onMessage: (message: unknown) => void): (data: Buffer) => void {
  let received = Buffer.alloc(0);
  return (data) => {
    received = Buffer.concat([received, data]);
    for (;;) {
      const end = received.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/Content-Length: (\d+)/i.exec(received.subarray(0, end).toString())?.[1]);
      const start = end + 4;
      if (received.length < start + length) return;
      const text = received.subarray(start, start + length).toString();
      received = received.subarray(start + length);
      onMessage(JSON.parse(text));
    }
  };
}
