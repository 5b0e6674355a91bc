import type { TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';
import documentUrl from '../../../../docs/problems.md?url';

/** What a kind of problem means, from docs/problems.md, which is loaded when somebody asks. */
export function Meaning({ id }: { readonly id: string }) {
  const [paragraphs, setParagraphs] = useState<readonly string[]>();
  const load = (event: TargetedEvent<HTMLDetailsElement>) => {
    if (!event.currentTarget.open || paragraphs !== undefined) return;
    void fetch(documentUrl)
      .then((answer) => answer.text())
      .then((document) => setParagraphs(sectionOf(document, id)));
  };
  return (
    <details class="problem-meaning" onToggle={load}>
      <summary class="small">What this means</summary>
      {(paragraphs ?? []).map((paragraph) => (
        <p key={paragraph} class="small">
          {paragraph}
        </p>
      ))}
      <p class="muted small">
        <code>docs/problems.md#{id}</code>
      </p>
    </details>
  );
}

/** The paragraphs of a section, without Markdown. */
export function sectionOf(document: string, id: string): string[] {
  const [, section = ''] = document.split(`\n## ${id}\n`);
  const [own = ''] = section.split(/\n## |\n<!-- /);
  return own
    .split('\n\n')
    .map((paragraph) => paragraph.trim().replace(/^> /, 'Example: '))
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) =>
      paragraph
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replace(/\*\*|`/g, '')
        .replace(/\\([<*])/g, '$1'),
    );
}
