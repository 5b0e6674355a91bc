/** A copy of the text: a substring keeps its entire source string in memory. */
export function detached(text: string): string {
  return Buffer.from(text).toString();
}
