/** Shows further rows of a long list. Renders nothing if there are none. */
export function More({ isNeeded, onMore }: { readonly isNeeded: boolean; readonly onMore: () => void }) {
  return isNeeded ? (
    <button type="button" class="button" onClick={onMore}>
      Show more
    </button>
  ) : null;
}
