/** Tracks that connect the rows on the left with those on the right. Each ends at the middle of its row. */
export function Junction({ from, to }: { readonly from: number; readonly to: number }) {
  return (
    <svg class="junction" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      {middles(from).map((y) => (
        <polyline key={`from ${y}`} points={`0,${y} 18,${y} 42,50 50,50`} />
      ))}
      {middles(to).map((y) => (
        <polyline key={`to ${y}`} points={`50,50 58,50 82,${y} 100,${y}`} />
      ))}
    </svg>
  );
}

function middles(rows: number): number[] {
  return Array.from({ length: rows }, (_, row) => (100 * (row + 0.5)) / rows);
}
