export interface PemBlock {
  readonly label: string;
  readonly text: string;
}

/** The byte order mark that some editors write first, as bytes. OpenSSL skips it only at the beginning of a file. */
const BYTE_ORDER_MARK = '\u{ef}\u{bb}\u{bf}';

/** OpenSSL recognizes BEGIN only at the start of a line and skips everything between blocks. `text` has one character per byte. */
export function pemBlocks(text: string): PemBlock[] {
  const lines = withoutMark(text)
    .split('\n')
    .map((line) => line.replace(/[\0- ]+$/, ''));
  const blocks: PemBlock[] = [];
  let position = 0;
  while (position < lines.length) {
    const label = /^-----BEGIN (.*)-----$/.exec(lines[position]!)?.[1];
    if (label === undefined) {
      position += 1;
      continue;
    }
    const end = lines.findIndex((line, n) => n > position && line.startsWith('-----END '));
    if (end < 0) return blocks;
    blocks.push({ label, text: `${lines.slice(position, end + 1).join('\n')}\n` });
    position = end + 1;
  }
  return blocks;
}

/** Whether a BEGIN line has text before it: OpenSSL ignores that block. */
export function hidesBlocks(text: string): boolean {
  return /^(?!-----END )[^\r\n]+-----BEGIN [A-Z0-9 ]+-----/m.test(withoutMark(text));
}

function withoutMark(text: string): string {
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
}
