/** Pages of an administrator's own, in HTML, in place of the built-in ones. */
export interface Pages {
  /** Where no service answers. */
  readonly unavailable?: string | undefined;
  /** Where something is closed for a while. */
  readonly maintenance?: string | undefined;
}

/** The key of the settings that names the Docker config with the page. */
export const pageKeys = { unavailable: 'UnavailablePage', maintenance: 'MaintenancePage' } as const satisfies Record<
  keyof Pages,
  string
>;

/** It is a part of the configuration, which a Docker config has to hold. */
export const MOST_PAGE_BYTES = 64 * 1024;

/** What is wrong with a page; undefined where it can be used. */
export function pageFault(text: string): string | undefined {
  if (new TextEncoder().encode(text).length > MOST_PAGE_BYTES) return `is larger than ${MOST_PAGE_BYTES / 1024} KB`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  return /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]/.test(text) ? 'is not UTF-8 text' : undefined;
}
