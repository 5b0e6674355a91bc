import { useMemo } from 'preact/hooks';
import { type DiffRow, diffRows } from '../../lib/diff.ts';
import { count } from '../../lib/format.ts';
import { tokenize } from '../../lib/nginx-tokens.ts';
import { Tokens } from './code-view.tsx';

const signs = { same: ' ', removed: '−', added: '+' } as const;

/** Removed and added lines between two texts. */
export function DiffView({ before, after }: { readonly before: string; readonly after: string }) {
  const rows = useMemo(() => diffRows(before.trimEnd(), after.trimEnd()), [before, after]);
  const added = rows.filter(({ kind }) => kind === 'added').length;
  const removed = rows.filter(({ kind }) => kind === 'removed').length;
  return (
    <>
      <div class="code-bar">
        <span class="small">
          <span class="diff-added-count">+{added}</span> <span class="diff-removed-count">−{removed}</span>{' '}
          <span class="muted">{added + removed === 0 ? 'No differences' : 'lines'}</span>
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard. */}
      <section class="code code-diff" tabIndex={0} aria-label="Comparison">
        <pre>
          {rows.map((row, index) => (
            <Row key={index} row={row} />
          ))}
        </pre>
      </section>
    </>
  );
}

function Row({ row }: { readonly row: DiffRow }) {
  if (row.kind === 'gap') return <span class="code-gap">⋯ {count(row.count, 'unchanged line')}</span>;
  const { kind, text, before, after } = row;
  return (
    <span class={`code-line diff-${kind}`}>
      <span class="code-number">{before}</span>
      <span class="code-number">{after}</span>
      <span class="diff-sign">{signs[kind]}</span>
      <span class="code-text">
        <Tokens tokens={tokenize(text)[0]!} />
        {'\n'}
      </span>
    </span>
  );
}
