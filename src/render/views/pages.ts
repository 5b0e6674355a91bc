/** nginx rejects words of 4096 bytes, and a character may have four bytes. */
const PART_LENGTH = 1000;

/** A page as a variable, composed of parts short enough for nginx, each a variable too; undefined for the built-in one. */
export function toPageView(variable: string, text: string | undefined) {
  if (text === undefined) return undefined;
  const characters = [...text];
  const parts = Array.from({ length: Math.ceil(characters.length / PART_LENGTH) }, (_, position) => ({
    variable: `${variable}_${position}`,
    text: characters.slice(position * PART_LENGTH, (position + 1) * PART_LENGTH).join(''),
  }));
  return { variable, parts };
}
