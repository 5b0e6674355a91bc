import { digest } from '../lib/digest.ts';

/** Placeholder for the version in the main file. The version is the digest of that text and of the other files. */
export const VERSION_MARK = '@version@';

interface NamedFile {
  readonly path: string;
  readonly digest: string;
  /** Undefined if the content is known by its digest. */
  readonly text?: string | undefined;
}

/** Includes cluster and path, so that two places do not share a config object. */
export function fileDigest(cluster: string, path: string, text: string): string {
  return digest(`${cluster}\n${path}\n${text}`);
}

/** Includes the cluster, so that equal configurations of two clusters do not share config objects. */
export function versionDigest(
  cluster: string,
  markedText: string,
  parts: readonly Pick<NamedFile, 'digest'>[],
): string {
  return digest([cluster, markedText, ...parts.map((part) => part.digest)].join('\n'));
}

/** Why a version is invalid, the main file first; undefined if every text matches its digest. */
export function versionFault(cluster: string, version: string, files: readonly NamedFile[]): string | undefined {
  const [main, ...parts] = files;
  if (main === undefined || main.digest !== version) return `The main file does not belong to version ${version}`;
  if (new Set(files.map(({ path }) => path)).size < files.length) return 'Two files have the same path';
  const wrong = parts.find(
    ({ path, digest, text }) => text !== undefined && fileDigest(cluster, path, text) !== digest,
  );
  if (wrong) return `The content of ${wrong.path} does not match its digest`;
  if (main.text === undefined) return undefined;
  const isRight = versionDigest(cluster, main.text.replace(version, VERSION_MARK), parts) === version;
  return isRight ? undefined : `The content of version ${version} does not match its digest`;
}
