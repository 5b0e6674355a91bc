import { useNow } from '../hooks.ts';
import { ago } from '../lib/format.ts';

/** How long ago; the exact time on demand. */
export function Ago({ at }: { readonly at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {ago(Date.parse(at), now)}
    </time>
  );
}
