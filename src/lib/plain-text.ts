/** Control characters, line separators, and characters that are invisible or reverse the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]+/gu;

/** Text from another component, safe to log and to show: one line of printable characters, at most that long. */
export function plainText(text: string, maxLength: number): string {
  // Cut before, too: replacing takes time.
  return text
    .slice(0, 4 * maxLength)
    .replaceAll(UNPRINTABLE, ' ')
    .trim()
    .slice(0, maxLength);
}
