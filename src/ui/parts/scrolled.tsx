import type { ComponentChildren } from 'preact';

interface ScrolledProps {
  readonly label: string;
  readonly children: ComponentChildren;
}

/** Content wider than the page scrolls, also with the keyboard. */
export function Scrolled({ label, children }: ScrolledProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: Only a focused element scrolls with the keyboard.
    <section class="scrolled" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
