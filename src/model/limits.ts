/** A Docker config holds less than 1,000 KiB. */
export const MOST_FILE_BYTES = 990 * 1024;
/** Maximum number of files in a configuration: each is a Docker config that the proxies mount. */
export const MOST_FILES = 512;
