/** Control characters, line separators, and characters that are invisible or reverse the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]+/gu;

/**
 * Makes text from another component safe to log and display: one line of printable characters, at most `maxLength`
 * long.
 */
export function plainText(text: string, maxLength: number): string {
  // Truncates before the replacement too, which is slow on long text.
  return text
    .slice(0, 4 * maxLength)
    .replaceAll(UNPRINTABLE, ' ')
    .trim()
    .slice(0, maxLength);
}
