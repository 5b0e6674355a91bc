const SHOWN = 8;

/** A shortened version digest. Its prefix is enough to tell versions apart. */
export function Version({ digest }: { readonly digest: string | null }) {
  if (digest === null) return <span class="muted">none</span>;
  return (
    <code class="version" title={digest}>
      {digest.slice(0, SHOWN)}
    </code>
  );
}
