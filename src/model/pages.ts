/** An administrator's own HTML pages, which replace the built-in ones. */
export interface Pages {
  /** If no service answers. */
  readonly unavailable?: string | undefined;
  /** During maintenance. */
  readonly maintenance?: string | undefined;
  /** If a host has no route for the path. */
  readonly notFound?: string | undefined;
}

/** The key of the settings that names the Docker config with the page. */
export const pageKeys = {
  unavailable: 'UnavailablePage',
  maintenance: 'MaintenancePage',
  notFound: 'NotFoundPage',
} as const satisfies Record<keyof Pages, string>;

/** A page is part of the configuration and must fit into a Docker config. */
export const MOST_PAGE_BYTES = 64 * 1024;

/** Why a page is invalid; undefined if it is valid. */
export function pageFault(text: string): string | undefined {
  if (new TextEncoder().encode(text).length > MOST_PAGE_BYTES) return `is larger than ${MOST_PAGE_BYTES / 1024} KB`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  return /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]/.test(text) ? 'is not UTF-8 text' : undefined;
}
