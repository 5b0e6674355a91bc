const SHOWN = 8;

/** A version in short; its beginning tells versions apart. */
export function Version({ digest }: { readonly digest: string | null }) {
  if (digest === null) return <span class="muted">none yet</span>;
  return (
    <code class="version" title={digest}>
      {digest.slice(0, SHOWN)}
    </code>
  );
}
