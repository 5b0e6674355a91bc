import { decodeCase } from '../../model/dns/name-case.ts';
import { type AddressRange, splitName, toRanges } from '../../model/dns/name-doubts.ts';
import { namesIn } from './await-names.ts';

/** A DNS name that nginx uses, or would use if it were not in doubt, and the address ranges of its network. */
export interface NameInUse {
  readonly name: string;
  readonly ranges: readonly AddressRange[];
}

/**
 * Reads the names from the files of a configuration. Networks and names in doubt are in comments, see templates/status.hbs. Skips names on other
 * networks.
 */
export async function readNamesInUse(texts: AsyncIterable<{ readonly text: string }>): Promise<NameInUse[]> {
  const names = new Set<string>();
  const networks = new Map<string, readonly AddressRange[]>();
  for await (const { text } of texts) {
    for (const name of namesIn(text)) names.add(detached(decodeCase(name) ?? name));
    for (const [, name] of text.matchAll(/^ *# doubted ([\w.-]+)$/gm)) names.add(detached(name!));
    for (const [, name, subnets] of text.matchAll(/^ *# network ([\w.-]+) ([\d./ ]+)$/gm))
      networks.set(detached(name!), toRanges(subnets!.split(' ')));
  }
  return [...names].flatMap((name) => {
    const ranges = networks.get(splitName(name)?.network ?? '');
    return ranges === undefined ? [] : { name, ranges };
  });
}

/** Copies the text: a substring keeps its entire source string in memory. */
function detached(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
