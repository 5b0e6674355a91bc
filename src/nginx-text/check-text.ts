import { isSecretsFile, parseSecretsFile } from '../model/secrets/secret-files.ts';
import { encodePermissions, type Permissions, permits } from './permissions.ts';
import { eachStatement, statementFault } from './statement-fault.ts';
import { NginxTextError } from './statements.ts';

interface CheckedFile {
  readonly path: string;
  /** Undefined if it was checked before. */
  readonly text?: string | undefined;
}

/**
 * Checks configuration files from an untrusted source: they may contain only what our templates and the administrator write. Undefined if they are
 * valid.
 */
export function filesFault(files: readonly CheckedFile[], permissions: Permissions): string | undefined {
  const paths = files.map(({ path }) => path).filter((path) => !isSecretsFile(path));
  for (const { path, text } of files) {
    const fault = text === undefined ? undefined : fileFault(path, text, paths, permissions);
    if (fault !== undefined) return `${path} ${fault}`;
  }
  return undefined;
}

function fileFault(path: string, text: string, paths: readonly string[], permissions: Permissions) {
  if (!isSecretsFile(path)) return textFault(text, paths, permissions);
  return parseSecretsFile(text) === undefined ? 'is not a list of encrypted secrets' : undefined;
}

interface Passed {
  /** Encoded. */
  readonly permissions: string;
  readonly paths: string;
  readonly texts: ReadonlySet<string>;
}

/**
 * Checks files of several clusters and skips texts that have passed. Compares texts, not digests: an attacker could construct two texts with the same
 * digest.
 */
export class TextChecks {
  readonly #passed = new Map<string, Passed>();

  faultOf(cluster: string, permissions: Permissions, files: readonly Required<CheckedFile>[]): string | undefined {
    const encoded = encodePermissions(permissions);
    const paths = files.map(({ path }) => path).join();
    const before = this.#passed.get(cluster);
    const isSame = before?.permissions === encoded && before.paths === paths;
    const unread = files.map(({ path, text }) => (isSame && before.texts.has(text!) ? { path } : { path, text }));
    const fault = filesFault(unread, permissions);
    if (fault !== undefined) return fault;
    this.#passed.set(cluster, { permissions: encoded, paths, texts: new Set(files.map(({ text }) => text!)) });
    return undefined;
  }
}

/**
 * The first statement of a text that neither our templates nor the administrator's write; undefined if there is none.
 */
export function textFault(text: string, paths: readonly string[], permissions: Permissions): string | undefined {
  let fault: string | undefined;
  try {
    eachStatement(text, (statement, variable) => {
      if (fault !== undefined) return;
      const { words, opens } = statement;
      // nginx looks for it next to the main file.
      const isPart = variable === undefined && !opens && words[0] === 'include' && paths.includes(words[1] ?? '');
      const found = isPart ? undefined : statementFault(statement, variable);
      if (found !== undefined && !permits(permissions, statement)) fault = found;
    });
  } catch (error) {
    if (error instanceof NginxTextError) return error.message;
    throw error;
  }
  return fault;
}
