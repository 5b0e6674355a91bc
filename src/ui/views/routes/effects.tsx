import type { ClusterExplanation } from '../../api.ts';

/** What the labels of a route do to the request. */
export function Effects({ effects }: Pick<ClusterExplanation, 'effects'>) {
  if (effects.length === 0) return null;
  return (
    <details open>
      <summary>What its labels do: {effects.length}</summary>
      <ul class="passed">
        {effects.map(({ label, text }) => (
          <li key={label}>
            <code>{label}</code> {text}
          </li>
        ))}
      </ul>
    </details>
  );
}
