import { readStatements } from '../../src/nginx-text/statements.ts';

const CHECKS = ['if', 'return', 'rewrite', 'set'];

/** Checks of servers that nginx never reaches: `break` ends the checks of its server, though not those of its locations. */
export function unreachedChecks(text: string): string[] {
  const open: { readonly block: string; ended: boolean }[] = [];
  const unreached: string[] = [];
  readStatements(text, {
    statement({ words, opens }) {
      const [name = ''] = words;
      const parent = open.at(-1);
      const server = parent?.block === 'if' ? open.at(-2) : parent;
      const isEnd = name === 'break' && server?.block === 'server';
      if (parent?.block === 'server' && parent.ended && CHECKS.includes(name) && !isGuard(words))
        unreached.push(words.join(' '));
      if (isEnd) server.ended = true;
      if (opens) open.push({ block: name, ended: false });
      return undefined;
    },
    close: () => void open.pop(),
  });
  return unreached;
}

/** The checks of hosts in templates/site.hbs, which are meant to be skipped. */
function isGuard(words: readonly string[]): boolean {
  return ['if ($ssl_server_name = $host)', 'set $site', 'if ($misdirected)'].some((guard) =>
    words.join(' ').startsWith(guard),
  );
}
