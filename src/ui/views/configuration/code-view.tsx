import { useMemo, useState } from 'preact/hooks';
import { count } from '../../lib/format.ts';
import { type Token, tokenize } from '../../lib/nginx-tokens.ts';

/** Lines shown at a time; a configuration can have a hundred thousand. */
const PAGE = 2000;

export function CodeView({ text }: { readonly text: string }) {
  const lines = useMemo(() => tokenize(text.trimEnd()), [text]);
  const [pages, setPages] = useState(1);
  const [copied, setCopied] = useState(false);
  const left = lines.length - pages * PAGE;
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied(true));
  return (
    <>
      <div class="code-bar">
        <span class="muted small">{count(lines.length, 'line')}</span>
        <button type="button" class="button button-small" onClick={copy}>
          {copied ? 'Copied' : 'Copy'}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard. */}
      <section class="code" tabIndex={0} aria-label="nginx configuration">
        <pre>
          {lines.slice(0, pages * PAGE).map((tokens, index) => (
            <Line key={index} tokens={tokens} number={index + 1} />
          ))}
        </pre>
      </section>
      {left > 0 ? (
        <button type="button" class="button" onClick={() => setPages(pages + 1)}>
          Show more ({count(left, 'line')} remaining)
        </button>
      ) : null}
    </>
  );
}

function Line({ tokens, number }: { readonly tokens: readonly Token[]; readonly number: number }) {
  return (
    <span class="code-line">
      <span class="code-number">{number}</span>
      <span class="code-text">
        <Tokens tokens={tokens} />
        {'\n'}
      </span>
    </span>
  );
}

export function Tokens({ tokens }: { readonly tokens: readonly Token[] }) {
  return (
    <>
      {tokens.map(({ kind, text }, index) =>
        kind === 'plain' ? (
          text
        ) : (
          <span key={index} class={`token-${kind}`}>
            {text}
          </span>
        ),
      )}
    </>
  );
}
