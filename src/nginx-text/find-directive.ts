import { NginxTextError, readStatements } from './statements.ts';

/** The arguments of the first directive with this name, in any block; undefined if there is none before the text ends or becomes invalid. */
export function findDirective(text: string, name: string): readonly string[] | undefined {
  let found: readonly string[] | undefined;
  try {
    readStatements(text, {
      statement: ({ words: [word, ...args], opens }) => {
        if (!opens && word === name) found ??= args;
        return undefined;
      },
      close: () => undefined,
    });
  } catch (error) {
    if (!(error instanceof NginxTextError)) throw error;
  }
  return found;
}
