export interface PemBlock {
  readonly label: string;
  readonly text: string;
}

/** The mark that some editors put first, here as bytes. OpenSSL skips it at the beginning of a file, and nowhere else. */
const BYTE_ORDER_MARK = '\u{ef}\u{bb}\u{bf}';

/** OpenSSL finds BEGIN only at the start of a line, and skips everything between blocks. `text` has one character for each byte. */
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

/** Whether a BEGIN line has text before it on the same line: OpenSSL ignores that block. */
export function hidesBlocks(text: string): boolean {
  return /^(?!-----END )[^\r\n]+-----BEGIN [A-Z0-9 ]+-----/m.test(withoutMark(text));
}

function withoutMark(text: string): string {
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
}
